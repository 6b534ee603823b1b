//! Requests that were not taken yet: a bounded number of bytes, the oldest of which go first.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::wire::Batch;

/// How many bytes wait at most, compressed: hours of a worker with a hundred shards.
const MOST_BYTES: usize = 4 * 1_024 * 1_024;

/// Requests that were not taken yet.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Batch>,
    bytes: usize,
    /// How many figures are in the one that was given out, until it is known what became of it.
    under_way: u64,
    /// Nothing more comes.
    is_closed: bool,
}

impl State {
    /// Makes room, and says how many figures had to go for that.
    fn shrink(&mut self) -> u64 {
        let mut dropped = 0;
        while self.bytes > MOST_BYTES {
            let Some(oldest) = self.waiting.pop_front() else { break };
            self.bytes -= oldest.body.len();
            dropped += oldest.data;
        }
        dropped
    }
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more; says how many figures were dropped for it.
    pub(super) fn push(&self, batch: Batch) -> u64 {
        let mut state = self.state();
        state.bytes += batch.body.len();
        state.waiting.push_back(batch);
        let dropped = state.shrink();
        drop(state);
        self.changed.notify_one();
        dropped
    }

    /// Puts back what was not taken; says how many figures were dropped for want of room.
    pub(super) fn give_back(&self, batch: Batch) -> u64 {
        let mut state = self.state();
        state.under_way = 0;
        state.bytes += batch.body.len();
        state.waiting.push_front(batch);
        state.shrink()
    }

    /// The oldest, as soon as there is one; `None` when nothing more comes. What becomes of it is
    /// said by [`Self::settle`] or [`Self::give_back`] before the next is asked for.
    pub(super) async fn next(&self) -> Option<Batch> {
        loop {
            {
                let mut state = self.state();
                if let Some(batch) = state.waiting.pop_front() {
                    state.bytes -= batch.body.len();
                    state.under_way = batch.data;
                    return Some(batch);
                }
                if state.is_closed {
                    return None;
                }
            }
            self.changed.notified().await;
        }
    }

    /// What was given out was taken, or refused.
    pub(super) fn settle(&self) {
        self.state().under_way = 0;
    }

    /// Nothing more comes.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_one();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state().is_closed
    }

    /// Waits until nothing more comes.
    pub(super) async fn closed(&self) {
        while !self.is_closed() {
            self.changed.notified().await;
        }
    }

    /// How many figures wait, or are under way.
    pub(super) fn data(&self) -> u64 {
        let state = self.state();
        state.under_way + state.waiting.iter().map(|batch| batch.data).sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(data: u64, bytes: usize) -> Batch {
        Batch { data, body: vec![0; bytes] }
    }

    #[test]
    fn the_oldest_go_when_there_is_no_room() {
        let queue = Queue::default();
        assert_eq!(queue.push(batch(1, MOST_BYTES / 2)), 0);
        assert_eq!(queue.push(batch(2, MOST_BYTES / 2)), 0);
        assert_eq!(queue.push(batch(4, 1)), 1);
        assert_eq!(queue.data(), 6);
        // What is put back is the oldest.
        assert_eq!(queue.give_back(batch(8, MOST_BYTES)), 8);
        assert_eq!(queue.data(), 6);
    }

    #[tokio::test]
    async fn what_waits_is_still_given_out_after_the_end() {
        let queue = Queue::default();
        queue.push(batch(1, 1));
        queue.close();
        assert_eq!(queue.next().await.map(|batch| batch.data), Some(1));
        assert_eq!(queue.data(), 1, "nobody knows yet what became of it");
        queue.settle();
        assert_eq!(queue.data(), 0);
        assert!(queue.next().await.is_none());
    }
}
