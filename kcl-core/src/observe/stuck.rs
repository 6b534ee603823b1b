//! Which shards of a worker are stuck on a batch, and which record of it the operator gives up.
//!
//! Whoever delivers says what is stuck, and waits for the operator's word; what is stuck is told in
//! the worker's report, so that the operator can name the record.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::{lease::LeaseKey, stream::Position};

/// Which shards are stuck. Shared by the parts of a worker.
#[derive(Clone, Debug, Default)]
pub(crate) struct StuckBoard(Arc<Board>);

#[derive(Debug, Default)]
struct Board {
    shards: Mutex<BTreeMap<LeaseKey, Stuck>>,
    /// A shard is stuck.
    begun: Notify,
    /// The operator has said something else.
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
    /// Also where no dead letter keeps it.
    pub(crate) unkept: bool,
}

impl Stuck {
    fn holds(&self, given_up: &GivenUp) -> bool {
        (&self.first..=&self.last).contains(&&given_up.at)
    }
}

impl StuckBoard {
    /// A shard is stuck on the records from `first` to `last`.
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

    /// A shard is stuck no more, or is not read any more.
    pub(crate) fn free(&self, key: &LeaseKey) {
        self.shards().remove(key);
    }

    /// On which records a shard is stuck: the first and the last.
    pub(crate) fn of(&self, key: &LeaseKey) -> Option<(Position, Position)> {
        let shards = self.shards();
        shards.get(key).map(|stuck| (stuck.first.clone(), stuck.last.clone()))
    }

    /// The record that the operator gives up, of those on which a shard is stuck.
    pub(crate) fn given_up(&self, key: &LeaseKey) -> Option<GivenUp> {
        self.shards().get(key)?.given_up.clone()
    }

    /// Waits until the operator says something else of a shard than this.
    pub(crate) async fn said_other(&self, key: &LeaseKey, than: Option<&GivenUp>) {
        loop {
            let said = self.0.said.notified();
            if self.given_up(key).as_ref() != than {
                return;
            }
            said.await;
        }
    }

    /// Whether a shard is stuck.
    pub(crate) fn is_any(&self) -> bool {
        !self.shards().is_empty()
    }

    /// Waits until a shard is stuck.
    pub(crate) async fn any(&self) {
        loop {
            let begun = self.0.begun.notified();
            if self.is_any() {
                return;
            }
            begun.await;
        }
    }

    /// What the operator says of each shard that is stuck on records from one to another.
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
