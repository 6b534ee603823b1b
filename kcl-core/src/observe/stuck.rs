//! The board of failing batches: which shards of a worker are stuck on which records, and which
//! record the operator gives up.
//!
//! ```text
//! run ── stick, free ──► StuckBoard ──► the worker's report, where the operator sees the records
//! run ◄── given_up ───── StuckBoard ◄── say ── worker/skipping, from the operator's marks
//! ```

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::{lease::LeaseKey, stream::Position};

/// The failing batches of a worker. A clone refers to the same board.
#[derive(Clone, Debug, Default)]
pub(crate) struct StuckBoard(Arc<Board>);

#[derive(Debug, Default)]
struct Board {
    /// The stuck shards; a shard that makes progress is not here.
    shards: Mutex<BTreeMap<LeaseKey, Stuck>>,
    /// Notified when a shard becomes stuck.
    begun: Notify,
    /// Notified when the given-up record of a shard changes.
    said: Notify,
}

/// The records of a batch that fails, or on which the processor makes no progress.
#[derive(Debug)]
struct Stuck {
    first: Position,
    last: Position,
    given_up: Option<GivenUp>,
}

/// A record that the operator gives up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GivenUp {
    pub(crate) at: Position,
    /// Whether it may be skipped even if no dead-letter sink keeps it.
    pub(crate) unkept: bool,
}

impl Stuck {
    /// True if the record is in the batch.
    fn holds(&self, given_up: &GivenUp) -> bool {
        (&self.first..=&self.last).contains(&&given_up.at)
    }
}

impl StuckBoard {
    /// Enters a batch from `first` to `last`. Keeps the given-up record of the shard's former batch
    /// if it is in this one.
    pub(crate) fn stick(&self, key: &LeaseKey, first: &Position, last: &Position) {
        let (first, last) = (first.clone(), last.clone());
        let mut shards = self.shards();
        let before = shards.remove(key).and_then(|stuck| stuck.given_up);
        let mut stuck = Stuck { first, last, given_up: None };
        stuck.given_up = before.filter(|it| stuck.holds(it));
        shards.insert(key.clone(), stuck);
        drop(shards);
        self.0.begun.notify_one();
    }

    /// Removes a shard: it makes progress again, or its run ends.
    pub(crate) fn free(&self, key: &LeaseKey) {
        self.shards().remove(key);
    }

    /// The first and the last record of the failing batch of a shard.
    pub(crate) fn of(&self, key: &LeaseKey) -> Option<(Position, Position)> {
        let shards = self.shards();
        shards.get(key).map(|stuck| (stuck.first.clone(), stuck.last.clone()))
    }

    /// The given-up record in the failing batch of a shard.
    pub(crate) fn given_up(&self, key: &LeaseKey) -> Option<GivenUp> {
        self.shards().get(key)?.given_up.clone()
    }

    /// Waits until the given-up record of a shard differs from `than`.
    pub(crate) async fn said_other(&self, key: &LeaseKey, than: Option<&GivenUp>) {
        loop {
            let said = self.0.said.notified();
            if self.given_up(key).as_ref() != than {
                return;
            }
            said.await;
        }
    }

    /// True if any shard is stuck.
    pub(crate) fn is_any(&self) -> bool {
        !self.shards().is_empty()
    }

    /// Waits until any shard is stuck.
    pub(crate) async fn any(&self) {
        loop {
            let begun = self.0.begun.notified();
            if self.is_any() {
                return;
            }
            begun.await;
        }
    }

    /// Sets the given-up record of each stuck shard to the answer of `says`, which gets the first
    /// and the last record of its batch.
    pub(crate) fn say(&self, says: impl Fn(&LeaseKey, &Position, &Position) -> Option<GivenUp>) {
        let mut changed = false;
        for (key, stuck) in &mut *self.shards() {
            let given_up = says(key, &stuck.first, &stuck.last).filter(|it| stuck.holds(it));
            changed |= stuck.given_up != given_up;
            stuck.given_up = given_up;
        }
        if changed {
            self.0.said.notify_waiters();
        }
    }

    fn shards(&self) -> MutexGuard<'_, BTreeMap<LeaseKey, Stuck>> {
        self.0.shards.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(number: u128) -> Position {
        Position::new(number.into(), 0)
    }

    fn key() -> LeaseKey {
        "orders/7/s-0".parse().unwrap()
    }

    fn gives(number: u128) -> Option<GivenUp> {
        Some(GivenUp { at: at(number), unkept: false })
    }

    #[tokio::test]
    async fn what_the_operator_says_is_heard_of_records_that_are_stuck_and_no_others() {
        let board = StuckBoard::default();
        board.say(|_, _, _| gives(5));
        assert_eq!((board.of(&key()), board.given_up(&key())), (None, None));
        board.stick(&key(), &at(3), &at(7));
        board.any().await;
        assert_eq!(board.of(&key()), Some((at(3), at(7))));
        board.say(|_, first, last| gives(8).filter(|_| *first == at(3) && *last == at(7)));
        assert_eq!(board.given_up(&key()), None, "it is behind them");
        let key = key();
        let (heard, ()) = tokio::join!(board.said_other(&key, None), async {
            board.say(|_, _, _| gives(5));
        });
        assert_eq!((heard, board.given_up(&key)), ((), gives(5)));
        board.stick(&key, &at(5), &at(5));
        assert_eq!(board.given_up(&key), gives(5), "it is still among them");
        board.stick(&key, &at(6), &at(7));
        assert_eq!(board.given_up(&key), None);
        board.free(&key);
        assert_eq!(board.of(&key), None);
    }
}
