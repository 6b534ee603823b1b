//! The queue of requests that CloudWatch has not taken. Its bytes are limited: if a request does
//! not fit, the oldest requests are dropped.
//!
//! One future pushes, another sends one request at a time. A request that is being sent is not in
//! the queue, but its data still count as waiting, so that none is lost uncounted at the end.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::wire::Batch;

/// The most bytes that wait, compressed: hours of a worker with a hundred shards.
const MOST_BYTES: usize = 4 * 1_024 * 1_024;

/// The queue. Both tasks share it by reference.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

/// The requests, under one lock.
#[derive(Debug, Default)]
struct State {
    /// The requests, oldest first.
    waiting: VecDeque<Batch>,
    /// The bytes of their bodies.
    bytes: usize,
    /// The data in the request that is being sent; 0 if there is none.
    under_way: u64,
    /// No more requests will be pushed.
    is_closed: bool,
}

impl State {
    /// Drops the oldest requests until the rest fits. Returns how many data were dropped.
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

    /// Appends a request. Returns how many data were dropped for it.
    pub(super) fn push(&self, batch: Batch) -> u64 {
        let mut state = self.state();
        state.bytes += batch.body.len();
        state.waiting.push_back(batch);
        let dropped = state.shrink();
        drop(state);
        self.changed.notify_one();
        dropped
    }

    /// Puts a request that failed back to the front. Returns how many data were dropped because it
    /// does not fit any more.
    pub(super) fn give_back(&self, batch: Batch) -> u64 {
        let mut state = self.state();
        state.under_way = 0;
        state.bytes += batch.body.len();
        state.waiting.push_front(batch);
        state.shrink()
    }

    /// Waits for the oldest request; `None` if the queue is closed and empty. Call
    /// [`Self::settle`] or [`Self::give_back`] before the next call.
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

    /// The request from [`Self::next`] is done: CloudWatch took or refused it.
    pub(super) fn settle(&self) {
        self.state().under_way = 0;
    }

    /// Declares that no more requests will be pushed.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_one();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state().is_closed
    }

    /// Waits until the queue is closed.
    pub(super) async fn closed(&self) {
        while !self.is_closed() {
            self.changed.notified().await;
        }
    }

    /// How many data wait, those in the request that is being sent included.
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
        // A request that is put back is the oldest, so it is dropped first.
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
