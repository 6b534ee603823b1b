//! The moves that are to be told.

use crate::{
    coordinator::planner::made::Given,
    lease::{
        StoreTime,
        report::{Moved, Moves},
    },
};

/// The moves that are to be told.
#[derive(Debug, Default)]
pub(super) struct Journal {
    moves: Moves,
    /// Whether some are not told yet.
    pub(super) has_news: bool,
}

impl Journal {
    /// A plan gives these to others, at this time of the store.
    pub(super) fn add(&mut self, given: Vec<Given>, at: StoreTime) {
        let is_new = |it: &Given| {
            let last = self.moves.moves.iter().rev().find(|moved| moved.lease == it.lease);
            // The planner before has told it, and its move is under way.
            last.is_none_or(|moved| moved.from != it.from || moved.to != it.to)
        };
        let new: Vec<Given> = given.into_iter().filter(is_new).collect();
        self.has_news |= !new.is_empty();
        let moved = |it: Given| Moved::new(it.lease, it.from, it.to, it.why, at);
        self.moves.add(new.into_iter().map(moved));
    }

    /// What was told before this planner's term goes before what it has to tell.
    pub(super) fn follow(&mut self, mut before: Moves) {
        if !keeps_what_was_told() {
            return;
        }
        let mine = std::mem::take(&mut self.moves);
        before.add(mine.moves);
        self.moves = before;
    }

    pub(super) const fn moves(&self) -> &Moves {
        &self.moves
    }
}

/// Whether what the planner before had told is kept.
fn keeps_what_was_told() -> bool {
    !planted!(FormerMovesForgotten)
}
