//! Shares the bytes of the budget out among accounts: how many each holds, and which request is
//! served next. Pure.
//!
//! - *Floors*: half of the budget is divided equally among the open accounts. An account's part is
//!   its floor, and no other account can take it.
//! - *Common part*: the other half goes to accounts that ask for more than their floor, in the
//!   order of their requests.
//!
//! So an account that holds nothing never waits, however much the others hold: it gets the bytes it
//! asks for if they are free, and its floor otherwise.
//!
//! Invariant: the granted bytes never exceed the budget by more than one byte for each account. The
//! excess is possible because every new account lowers the floors, while the others may still hold
//! their former floors: the whole budget may be in use, and the new account is then granted a
//! single byte, which lets it read one record.

use std::collections::{BTreeMap, VecDeque};

/// The account of one reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AccountId(u64);

/// The place of a request in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket(u64);

/// The answer to a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// These bytes belong to the account now; possibly fewer than it asked for.
    Granted(usize),
    /// The request waits in the queue; a later [`Grant`] answers it.
    Waits(Ticket),
}

/// The grant of a request that had waited. The caller sends `bytes` to `waiter`.
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

/// The accounts and the queue of requests. `W` is the caller's means to reach a waiting request,
/// which comes back in its [`Grant`].
#[derive(Debug)]
pub(super) struct Ledger<W> {
    total: usize,
    /// How many accounts are open.
    accounts: usize,
    /// The bytes of each account that holds any. A closed account stays here until it has given
    /// back all its bytes.
    held: BTreeMap<AccountId, usize>,
    /// The waiting requests, oldest first. Each one's account holds bytes: an account that holds
    /// none is served at once.
    waiting: VecDeque<Request<W>>,
    /// The number of the newest account or ticket.
    next: u64,
}

impl<W> Ledger<W> {
    pub(super) const fn new(total: usize) -> Self {
        Self { total, accounts: 0, held: BTreeMap::new(), waiting: VecDeque::new(), next: 0 }
    }

    /// Opens an account. The floor of every account sinks.
    pub(super) const fn open(&mut self) -> AccountId {
        self.accounts += 1;
        AccountId(self.number())
    }

    /// Closes an account. The floor of the others rises, which may grant waiting requests. The
    /// bytes that the account still holds are given back later with [`Self::give_back`].
    pub(super) fn close(&mut self) -> Vec<Grant<W>> {
        self.accounts -= 1;
        self.serve()
    }

    /// Asks for `bytes`. A number above the most that one account can ever hold is lowered to that.
    /// An account that holds nothing is granted fewer bytes at once rather than made to wait.
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

    /// Removes a request from the queue, which may grant those behind it.
    pub(super) fn withdraw(&mut self, ticket: Ticket) -> Vec<Grant<W>> {
        self.waiting.retain(|request| request.ticket != ticket);
        self.serve()
    }

    /// Adds bytes to an account without a check: a grant, or an answer of the stream that turned
    /// out larger than its reservation.
    pub(super) fn hold(&mut self, account: AccountId, bytes: usize) {
        *self.held.entry(account).or_default() += bytes;
    }

    /// Takes bytes back from an account, which may grant waiting requests.
    pub(super) fn give_back(&mut self, account: AccountId, bytes: usize) -> Vec<Grant<W>> {
        if let Some(held) = self.held.get_mut(&account) {
            *held = held.saturating_sub(bytes);
            if *held == 0 {
                self.held.remove(&account);
            }
        }
        self.serve()
    }

    /// The bytes that all accounts together hold.
    pub(super) fn used(&self) -> usize {
        self.held.values().sum()
    }

    /// Grants waiting requests: first from the front of the queue, in order, until one does not
    /// fit; then every request whose account holds nothing any more, with its floor.
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

    /// Grants `bytes` to the request at place `at` of the queue.
    fn grant(&mut self, at: usize, bytes: usize) -> Option<Grant<W>> {
        let Request { account, waiter, .. } = self.waiting.remove(at)?;
        self.hold(account, bytes);
        Some(Grant { account, bytes, waiter })
    }

    /// The place of the first request whose account holds nothing, and the bytes it is granted.
    fn empty_handed(&self) -> Option<(usize, usize)> {
        let can_have = |request: &Request<W>| self.floor_of(request.account, request.bytes);
        self.waiting.iter().enumerate().find_map(|(at, request)| Some((at, can_have(request)?)))
    }

    /// The bytes, of `bytes`, that an account without any is granted at once: at least one. `None`
    /// if the account holds bytes.
    fn floor_of(&self, account: AccountId, bytes: usize) -> Option<usize> {
        let left = self.total.saturating_sub(self.used());
        let floor = bytes.min(self.floor()).min(left).max(1);
        (!self.held.contains_key(&account)).then_some(floor)
    }

    /// True if `bytes` more for this account leave the other accounts' floors untouched.
    fn fits(&self, account: AccountId, bytes: usize) -> bool {
        let floor = self.floor();
        let after = self.held.get(&account).map_or(0, |held| *held) + bytes;
        let others = self.held.iter().filter(|(holder, _)| **holder != account);
        let beyond: usize = others.map(|(_, held)| held.saturating_sub(floor)).sum();
        beyond + after.saturating_sub(floor) <= self.common()
    }

    /// `bytes`, but at most the most that one account can hold: its floor and the common part.
    fn possible(&self, bytes: usize) -> usize {
        bytes.min(self.floor() + self.common()).max(1)
    }

    /// The bytes that each account has for itself.
    fn floor(&self) -> usize {
        // A single account leaves one more floor free, for the next account.
        self.total / 2 / self.accounts.max(2)
    }

    /// The bytes that no floor reserves.
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
