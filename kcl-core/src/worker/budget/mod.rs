//! The byte budget of one worker: everything fetched and not yet processed.
//!
//! A reader has an account. It reserves before it asks its source for records, not while it waits
//! for them to come; what it read holds the reservation until it is processed. Who gets what stands
//! in [`ledger`].

mod ledger;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use self::ledger::{AccountId, Answer, Grant, Ledger, Ticket};

/// Bytes shared by all shards of a worker.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Arc<Mutex<Ledger<oneshot::Sender<usize>>>>);

/// What one reader reserves from. Reservations outlive it.
#[derive(Debug)]
pub(crate) struct Account {
    budget: Budget,
    id: AccountId,
}

/// Bytes reserved; given back when dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: Budget,
    account: AccountId,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new(total: usize) -> Self {
        Self(Arc::new(Mutex::new(Ledger::new(total))))
    }

    /// An account of one more reader.
    pub(crate) fn account(&self) -> Account {
        Account { budget: self.clone(), id: self.ledger().open() }
    }

    /// Carries grants to those who wait for them.
    fn carry_out(&self, grants: Vec<Grant<oneshot::Sender<usize>>>) {
        for grant in grants {
            // Whoever gave up just now gives back.
            if grant.waiter.send(grant.bytes).is_err() {
                self.give_back(grant.account, grant.bytes);
            }
        }
    }

    fn give_back(&self, account: AccountId, bytes: usize) {
        let grants = self.ledger().give_back(account, bytes);
        self.carry_out(grants);
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger<oneshot::Sender<usize>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    fn used(&self) -> usize {
        self.ledger().used()
    }
}

impl Account {
    /// Waits for up to `bytes`. Fewer are reserved where the budget is smaller, or in use: an
    /// account that holds nothing does not wait.
    ///
    /// # Cancel safety
    /// Safe: a place in the queue is given up.
    pub(crate) async fn reserve(&self, bytes: usize) -> Reservation {
        let (sender, turn) = oneshot::channel();
        let answer = self.budget.ledger().ask(self.id, bytes, sender);
        let bytes = match answer {
            Answer::Granted(bytes) => bytes,
            Answer::Waits(ticket) => Turn { account: self, ticket, turn: Some(turn) }.come().await,
        };
        Reservation { budget: self.budget.clone(), account: self.id, bytes }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let grants = self.budget.ledger().close();
        self.budget.carry_out(grants);
    }
}

/// A place in the queue. If it is given up just as its turn came, the bytes go back.
struct Turn<'a> {
    account: &'a Account,
    ticket: Ticket,
    turn: Option<oneshot::Receiver<usize>>,
}

impl Turn<'_> {
    async fn come(mut self) -> usize {
        let granted = match &mut self.turn {
            // The ledger keeps the sender until it has sent.
            Some(turn) => turn.await.unwrap_or_default(),
            None => 0,
        };
        self.turn = None;
        granted
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let Some(turn) = &mut self.turn else { return };
        let budget = &self.account.budget;
        turn.close();
        if let Ok(granted) = turn.try_recv() {
            return budget.give_back(self.account.id, granted);
        }
        let grants = budget.ledger().withdraw(self.ticket);
        budget.carry_out(grants);
    }
}

impl Reservation {
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Makes the reservation what was really used.
    pub(crate) fn resize(&mut self, bytes: usize) {
        if bytes < self.bytes {
            self.budget.give_back(self.account, self.bytes - bytes);
        } else {
            self.budget.ledger().hold(self.account, bytes - self.bytes);
        }
        self.bytes = bytes;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.give_back(self.account, self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a future until it waits.
    async fn is_pending(future: impl Future<Output = Reservation> + Unpin) -> bool {
        tokio::select! {
            biased;
            _ = future => false,
            () = std::future::ready(()) => true,
        }
    }

    #[tokio::test]
    async fn waits_until_there_is_room_and_keeps_the_order() {
        let budget = Budget::new(100);
        let accounts = [budget.account(), budget.account()];
        let first = [accounts[0].reserve(60).await, accounts[1].reserve(20).await];
        let mut second = Box::pin(accounts[0].reserve(60));
        let mut third = Box::pin(accounts[1].reserve(10));
        assert!(is_pending(&mut second).await, "80 of 100 are in use");
        assert!(is_pending(&mut third).await, "it is not its turn");
        drop(first);
        let (second, third) = (second.await, third.await);
        assert_eq!((second.bytes(), third.bytes(), budget.used()), (60, 10, 70));
        drop((second, third));
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test]
    async fn an_answer_that_is_larger_than_was_reserved_counts_as_it_is() {
        let budget = Budget::new(100);
        let account = budget.account();
        let mut large = account.reserve(1_000).await;
        assert_eq!(large.bytes(), 75);
        large.resize(1_000);
        assert_eq!(budget.used(), 1_000);
        assert!(is_pending(Box::pin(account.reserve(10))).await);
        large.resize(10);
        let _small = account.reserve(50).await;
        assert_eq!(budget.used(), 60);
    }

    #[tokio::test]
    async fn a_place_given_up_gives_its_bytes_back() {
        let budget = Budget::new(100);
        let account = budget.account();
        let first = account.reserve(75).await;
        let mut second = Box::pin(account.reserve(75));
        assert!(is_pending(&mut second).await, "all of it is in use");
        drop(first);
        drop(second);
        assert_eq!(budget.used(), 0);
        let mut waits = Box::pin(account.reserve(75));
        assert!(!is_pending(&mut waits).await);
    }

    #[tokio::test]
    async fn what_is_reserved_outlives_the_reader_and_goes_back_after_it() {
        let budget = Budget::new(100);
        let account = budget.account();
        let delivered = account.reserve(40).await;
        drop(account);
        assert_eq!(budget.used(), 40);
        drop(delivered);
        assert_eq!(budget.used(), 0);
    }
}
