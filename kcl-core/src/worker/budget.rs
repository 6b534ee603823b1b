//! The byte budget of one worker: everything fetched and not yet processed.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// Bytes shared by all shards of a worker, given out in the order they are asked for.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    total: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Bytes in use. May exceed the total: an answer may be larger than was reserved for it.
    used: usize,
    waiting: VecDeque<(usize, oneshot::Sender<()>)>,
}

/// Bytes reserved; given back when dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Budget,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new(total: usize) -> Self {
        let state = State { used: 0, waiting: VecDeque::new() };
        Self(Arc::new(Shared { total, state: Mutex::new(state) }))
    }

    /// Waits for `bytes`, or for an empty budget if it is smaller than that: something is always
    /// admitted.
    ///
    /// # Cancel safety
    /// Safe: a place in the queue is given up.
    pub(crate) async fn reserve(&self, bytes: usize) -> Reservation {
        let bytes = bytes.min(self.0.total).max(1);
        let turn = {
            let mut state = self.state();
            if state.waiting.is_empty() && state.fits(bytes, self.0.total) {
                state.used += bytes;
                return Reservation { budget: self.clone(), bytes };
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting.push_back((bytes, sender));
            receiver
        };
        // Whoever frees bytes has counted these before it sends.
        let granted = Turn { budget: self, bytes, turn: Some(turn) };
        granted.wait().await
    }

    fn release(&self, bytes: usize) {
        let mut state = self.state();
        state.used = state.used.saturating_sub(bytes);
        while let Some((asked, _)) = state.waiting.front() {
            let asked = *asked;
            if !state.fits(asked, self.0.total) {
                return;
            }
            if let Some((_, waiter)) = state.waiting.pop_front()
                && waiter.send(()).is_ok()
            {
                state.used += asked;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    fn used(&self) -> usize {
        self.state().used
    }
}

impl State {
    const fn fits(&self, bytes: usize, total: usize) -> bool {
        self.used == 0 || self.used + bytes <= total
    }
}

/// A place in the queue. If it is given up just as its turn came, the bytes go back.
struct Turn<'a> {
    budget: &'a Budget,
    bytes: usize,
    turn: Option<oneshot::Receiver<()>>,
}

impl Turn<'_> {
    async fn wait(mut self) -> Reservation {
        if let Some(turn) = &mut self.turn {
            // The sender is dropped only after it has sent.
            let _ = turn.await;
        }
        self.turn = None;
        Reservation { budget: self.budget.clone(), bytes: self.bytes }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(turn) = &mut self.turn {
            turn.close();
            if turn.try_recv().is_ok() {
                self.budget.release(self.bytes);
            }
        }
    }
}

impl Reservation {
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Makes the reservation what was really used.
    pub(crate) fn resize(&mut self, bytes: usize) {
        if bytes < self.bytes {
            self.budget.release(self.bytes - bytes);
        } else {
            self.budget.state().used += bytes - self.bytes;
        }
        self.bytes = bytes;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.release(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().unwrap()
    }

    #[test]
    fn waits_until_there_is_room_and_keeps_the_order() {
        runtime().block_on(async {
            let budget = Budget::new(100);
            let first = budget.reserve(60).await;
            let mut second = Box::pin(budget.reserve(60));
            let mut third = Box::pin(budget.reserve(10));
            let pending = std::time::Duration::ZERO;
            let _ = pending;
            tokio::select! {
                biased;
                _ = &mut second => panic!("60 of 100 are in use"),
                _ = &mut third => panic!("it is not its turn"),
                () = std::future::ready(()) => {}
            }
            drop(first);
            let second = second.await;
            let third = third.await;
            assert_eq!(budget.used(), 70);
            drop((second, third));
            assert_eq!(budget.used(), 0);
        });
    }

    #[test]
    fn admits_one_that_is_larger_than_everything() {
        runtime().block_on(async {
            let budget = Budget::new(100);
            let mut large = budget.reserve(1_000).await;
            large.resize(1_000);
            assert_eq!(budget.used(), 1_000);
            large.resize(10);
            let _small = budget.reserve(50).await;
            assert_eq!(budget.used(), 60);
        });
    }

    #[test]
    fn a_place_given_up_gives_its_bytes_back() {
        runtime().block_on(async {
            let budget = Budget::new(100);
            let first = budget.reserve(100).await;
            let mut second = Box::pin(budget.reserve(100));
            tokio::select! {
                biased;
                _ = &mut second => panic!("all of it is in use"),
                () = std::future::ready(()) => {}
            }
            drop(first);
            drop(second);
            assert_eq!(budget.used(), 0);
            let _third = budget.reserve(100).await;
        });
    }
}
