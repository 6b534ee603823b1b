//! The byte budget of one worker limits the bytes that are read and not yet processed.
//!
//! Each reader has an [`Account`] and makes a [`Reservation`] before it calls its source. The batch
//! that it reads keeps the reservation until it is processed. A reader that waits for its next call
//! to be due holds no bytes. [`ledger`] decides which account gets how many bytes; this module adds
//! the lock and the waiting.

mod ledger;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use self::ledger::{AccountId, Answer, Grant, Ledger, Ticket};

/// The budget that all shards of a worker share. A clone is the same budget.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Arc<Mutex<Ledger<oneshot::Sender<usize>>>>);

/// The account of one reader. Its reservations may outlive it.
#[derive(Debug)]
pub(crate) struct Account {
    budget: Budget,
    id: AccountId,
}

/// Reserved bytes. Dropping gives them back.
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

    /// Opens an account for one more reader.
    pub(crate) fn account(&self) -> Account {
        Account { budget: self.clone(), id: self.ledger().open() }
    }

    /// Sends grants to the tasks that wait for them. The lock must be free: a task that has stopped
    /// waiting gives its bytes back, which locks the ledger again.
    fn carry_out(&self, grants: Vec<Grant<oneshot::Sender<usize>>>) {
        for grant in grants {
            // The task dropped its receiver just now.
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
    /// Reserves up to `bytes`, and waits for its turn if necessary. An account that holds nothing
    /// does not wait: it may get fewer bytes instead. Nobody gets more than the ledger allows one
    /// account.
    ///
    /// # Cancel safety
    /// Safe: a dropped future leaves the queue and gives back a grant that has already arrived.
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

/// A request in the queue. Dropping withdraws it, or gives back bytes that were just granted.
struct Turn<'a> {
    account: &'a Account,
    ticket: Ticket,
    /// `None` once the grant has been taken: nothing is left to withdraw.
    turn: Option<oneshot::Receiver<usize>>,
}

impl Turn<'_> {
    async fn come(mut self) -> usize {
        let granted = match &mut self.turn {
            // The ledger drops a sender only after it has sent.
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

    /// Sets the reservation to the true size of the batch, which may be larger.
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

    /// Polls a future once; true if it is not ready.
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
