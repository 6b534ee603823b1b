//! Who holds how much of the budget, and who gets it next. Pure.
//!
//! Half of the budget is kept for floors: each account has an equal part of it, which nobody else
//! can take. The rest is common, and goes to those who ask for more than their floor, in the order
//! in which they ask. So an account that holds nothing never waits, however much the others hold:
//! it gets what it asks for if that is free, and its floor otherwise.
//!
//! What is granted never adds up to more than the budget, but for one byte an account: where
//! accounts were opened while others held more than is theirs since, the budget may be all in use,
//! and each new one is let in for a single record.

use std::collections::{BTreeMap, VecDeque};

/// Whose the bytes are: a reader's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AccountId(u64);

/// The place of a request in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket(u64);

/// What came of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Granted(usize),
    Waits(Ticket),
}

/// So many bytes now belong to whoever waited with `waiter`.
#[derive(Debug)]
pub(super) struct Grant<W> {
    pub(super) account: AccountId,
    pub(super) bytes: usize,
    pub(super) waiter: W,
}

#[derive(Debug)]
struct Request<W> {
    ticket: Ticket,
    account: AccountId,
    bytes: usize,
    waiter: W,
}

/// The books. `W` is what a waiter is reached by.
#[derive(Debug)]
pub(super) struct Ledger<W> {
    total: usize,
    /// How many accounts are open.
    accounts: usize,
    /// What each account holds that holds anything, also after it was closed.
    held: BTreeMap<AccountId, usize>,
    /// In the order in which they asked. An account that waits here holds something.
    waiting: VecDeque<Request<W>>,
    /// The number of the next account, or request.
    next: u64,
}

impl<W> Ledger<W> {
    pub(super) const fn new(total: usize) -> Self {
        Self { total, accounts: 0, held: BTreeMap::new(), waiting: VecDeque::new(), next: 0 }
    }

    /// Opens an account: everybody's floor sinks.
    pub(super) const fn open(&mut self) -> AccountId {
        self.accounts += 1;
        AccountId(self.number())
    }

    /// Closes an account: everybody's floor rises. What it holds is to be given back as ever.
    pub(super) fn close(&mut self) -> Vec<Grant<W>> {
        self.accounts -= 1;
        self.serve()
    }

    /// Asks for so many bytes, or as many as there can ever be. Answers with fewer where that is
    /// what an account that holds nothing can have.
    pub(super) fn ask(&mut self, account: AccountId, bytes: usize, waiter: W) -> Answer {
        let bytes = self.possible(bytes);
        let granted = if self.waiting.is_empty() && self.fits(account, bytes) {
            Some(bytes)
        } else {
            self.floor_of(account, bytes)
        };
        if let Some(granted) = granted {
            self.hold(account, granted);
            return Answer::Granted(granted);
        }
        let ticket = Ticket(self.number());
        self.waiting.push_back(Request { ticket, account, bytes, waiter });
        Answer::Waits(ticket)
    }

    /// Gives up a place in the queue.
    pub(super) fn withdraw(&mut self, ticket: Ticket) -> Vec<Grant<W>> {
        self.waiting.retain(|request| request.ticket != ticket);
        self.serve()
    }

    /// What was granted is larger than thought.
    pub(super) fn hold(&mut self, account: AccountId, bytes: usize) {
        *self.held.entry(account).or_default() += bytes;
    }

    /// Gives bytes back.
    pub(super) fn give_back(&mut self, account: AccountId, bytes: usize) -> Vec<Grant<W>> {
        if let Some(held) = self.held.get_mut(&account) {
            *held = held.saturating_sub(bytes);
            if *held == 0 {
                self.held.remove(&account);
            }
        }
        self.serve()
    }

    /// What is held by all together.
    pub(super) fn used(&self) -> usize {
        self.held.values().sum()
    }

    /// Those who wait and can have what they asked for, in their order; then those who hold nothing
    /// any more.
    fn serve(&mut self) -> Vec<Grant<W>> {
        let mut grants = Vec::new();
        while let Some(first) = self.waiting.front() {
            let bytes = self.possible(first.bytes);
            if !self.fits(first.account, bytes) {
                break;
            }
            grants.extend(self.grant(0, bytes));
        }
        while let Some((at, bytes)) = self.empty_handed() {
            grants.extend(self.grant(at, bytes));
        }
        grants
    }

    fn grant(&mut self, at: usize, bytes: usize) -> Option<Grant<W>> {
        let Request { account, waiter, .. } = self.waiting.remove(at)?;
        self.hold(account, bytes);
        Some(Grant { account, bytes, waiter })
    }

    /// The first who waits and holds nothing, and what it can have.
    fn empty_handed(&self) -> Option<(usize, usize)> {
        let can_have = |request: &Request<W>| self.floor_of(request.account, request.bytes);
        self.waiting.iter().enumerate().find_map(|(at, request)| Some((at, can_have(request)?)))
    }

    /// What an account can have at once of so many bytes if it holds nothing.
    fn floor_of(&self, account: AccountId, bytes: usize) -> Option<usize> {
        let left = self.total.saturating_sub(self.used());
        let floor = bytes.min(self.floor()).min(left).max(1);
        (!self.held.contains_key(&account)).then_some(floor)
    }

    /// Whether these bytes are free for an account: its floor, and what is common.
    fn fits(&self, account: AccountId, bytes: usize) -> bool {
        let floor = self.floor();
        let after = self.held.get(&account).map_or(0, |held| *held) + bytes;
        let others = self.held.iter().filter(|(holder, _)| **holder != account);
        let beyond: usize = others.map(|(_, held)| held.saturating_sub(floor)).sum();
        beyond + after.saturating_sub(floor) <= self.common()
    }

    /// What one account can hold if nobody else holds more than its floor.
    fn possible(&self, bytes: usize) -> usize {
        bytes.min(self.floor() + self.common()).max(1)
    }

    /// What nobody else can take from an account.
    fn floor(&self) -> usize {
        // One who is alone leaves some for the next.
        self.total / 2 / self.accounts.max(2)
    }

    /// What is everybody's.
    fn common(&self) -> usize {
        self.total - self.floor() * self.accounts.max(2)
    }

    const fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

#[cfg(test)]
mod tests;
