//! The moves for the document `@moves`.

use crate::{
    coordinator::planner::made::Given,
    lease::{
        StoreTime,
        report::{Moved, Moves},
    },
};

/// The moves for the document `@moves`.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// The last moves, those of earlier planners among them.
    moves: Moves,
    /// Whether some are not stored yet.
    pub(super) has_news: bool,
}

impl Journal {
    /// Adds the moves of a plan that was made at this time of the store.
    pub(super) fn add(&mut self, given: Vec<Given>, at: StoreTime) {
        let is_new = |it: &Given| {
            let last = self.moves.moves.iter().rev().find(|moved| moved.lease == it.lease);
            // The former planner has recorded this move, and it is still under way.
            last.is_none_or(|moved| moved.from != it.from || moved.to != it.to)
        };
        let new: Vec<Given> = given.into_iter().filter(is_new).collect();
        self.has_news |= !new.is_empty();
        let moved = |it: Given| Moved::new(it.lease, it.from, it.to, it.why, at);
        self.moves.add(new.into_iter().map(moved));
    }

    /// Puts the moves of earlier planners before those of this one.
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

/// Whether the moves of earlier planners are kept.
fn keeps_what_was_told() -> bool {
    !planted!(FormerMovesForgotten)
}
