//! Learns the facts of a run, and checks each of them with every invariant.
//!
//! For each fact the oracle first asks the invariants, which see what was known *before* it, and
//! then updates [`Known`]. A simulated run ends at the first violation ([`Oracle::learn`]); the
//! judge of a real run goes on ([`Oracle::learn_all`]). A fault that makes an invariant impossible
//! to keep removes it for the rest of the run ([`Oracle::excuse`]). The oracle also counts what the
//! report of a run shows.

use std::{fmt, time::Duration};

use kcl_core::{
    env::Time,
    lease::{Changing, DocName, Lease},
};

use super::{
    fact::Fact,
    invariant::{Excuse, Invariant},
    invariants,
    known::Known,
    stream::ShardNo,
};

/// The longest time that a call is on its way to the store.
pub(super) const LATE_MAX: Duration = Duration::from_secs(15);

/// A broken invariant: what [`play`](super::play) and the [`Judge`](super::Judge) return.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The name of the invariant.
    pub invariant: &'static str,
    /// When it broke, on the clock of the run: the true time of a simulation, or the time that a
    /// test gave to the judge.
    pub at: Time,
    /// A message for people: which shard, worker or row broke it, and how.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} broken at {}: {}", self.invariant, self.at, self.what)
    }
}

impl std::error::Error for Violation {}

/// The invariants of a run, and what is known of it so far.
#[derive(Debug)]
pub(super) struct Oracle {
    /// Those that are still checked.
    invariants: Vec<Box<dyn Invariant>>,
    known: Known,
    /// How many records were processed a second time or more often.
    pub(super) duplicates: u64,
    /// How many records were processed, each counted once.
    pub(super) processed: u64,
    /// How often a lease of a shard got a new owner or epoch.
    pub(super) acquires: u64,
}

impl Oracle {
    /// An oracle with all invariants of a simulated fleet. The clocks drift by at most `drift`
    /// parts per million.
    pub(super) fn new(drift: u64) -> Self {
        Self::of(invariants::all(), drift)
    }

    /// An oracle with these invariants only.
    pub(super) fn of(invariants: Vec<Box<dyn Invariant>>, drift: u64) -> Self {
        let drift = u32::try_from(drift).unwrap_or(u32::MAX);
        Self {
            invariants,
            known: Known::with_drift(drift),
            duplicates: 0,
            processed: 0,
            acquires: 0,
        }
    }

    /// An oracle for the history of one row. The application counts as closed, since a history does
    /// not show it: so restarts are allowed.
    #[cfg(feature = "conformance")]
    pub(super) fn of_a_row(invariants: Vec<Box<dyn Invariant>>) -> Self {
        let mut oracle = Self::of(invariants, 0);
        oracle.known.closed = true;
        oracle
    }

    /// See [`Known::done`].
    pub(super) fn done(&self, shard: ShardNo) -> u64 {
        self.known.done(shard)
    }

    /// See [`Known::reached`].
    pub(super) fn reached(&self, shard: ShardNo) -> u64 {
        self.known.reached(shard)
    }

    /// Says whether the application is closed, after the store lost its last writes.
    pub(super) const fn set_closed(&mut self, closed: bool) {
        self.known.closed = closed;
    }

    pub(super) const fn is_closed(&self) -> bool {
        self.known.closed
    }

    /// From now on the invariants with this excuse are not checked any more.
    pub(super) fn excuse(&mut self, excuse: Excuse) {
        self.invariants.retain(|invariant| invariant.until() != Some(excuse));
    }

    /// Checks a fact, and then adds it to what is known. A fact that breaks an invariant is not
    /// added.
    pub(super) fn learn(&mut self, now: Time, fact: &Fact<'_>) -> Result<(), Violation> {
        if let Some(broken) = self.check(now, fact).next() {
            return Err(broken);
        }
        self.know(now, fact);
        Ok(())
    }

    /// Checks a fact and adds it, whatever it breaks: for a judge, which goes on after a violation.
    pub(super) fn learn_all(&mut self, now: Time, fact: &Fact<'_>) -> Vec<Violation> {
        let broken = self.check(now, fact).collect();
        self.know(now, fact);
        broken
    }

    /// All violations of a fact. The iterator is lazy: it asks an invariant, which may change its
    /// state, only when it reaches it.
    fn check(&mut self, now: Time, fact: &Fact<'_>) -> impl Iterator<Item = Violation> {
        self.known.now = now;
        if matches!(fact, Fact::RolledBack) {
            self.known.late_until = now + LATE_MAX;
        }
        let Self { invariants, known, .. } = self;
        invariants.iter_mut().filter_map(move |invariant| {
            let what = invariant.check(fact, known).err()?;
            Some(Violation { invariant: invariant.name(), at: now, what })
        })
    }

    /// Adds a fact to what is known.
    fn know(&mut self, now: Time, fact: &Fact<'_>) {
        match fact {
            Fact::Processed { shard, after, to, .. } => {
                let done = self.known.done_mut(*shard);
                self.duplicates += (*done).min(*to).saturating_sub(*after);
                self.processed += to.saturating_sub(*done);
                *done = (*done).max(*to);
            }
            Fact::Gone { shard, to } => {
                let done = self.known.done_mut(*shard);
                *done = (*done).max(*to);
            }
            Fact::Begun { shard, to } => self.known.begin(*shard, *to),
            Fact::Document(doc) if doc.name == DocName::changing() => {
                let changing = Changing::decode(&doc.body);
                self.known.closed = changing.is_ok_and(|changing| changing.is_closed());
            }
            Fact::Lease { before, after, shard, .. } => {
                let ends = after.is_some_and(Lease::has_ended);
                if let Some(shard) = shard.filter(|_| ends && !before.is_some_and(Lease::has_ended))
                {
                    self.known.set_ended(shard, now);
                }
                self.on_lease(now, *before, *after);
            }
            _ => {}
        }
    }

    /// Counts a change of owner or epoch in the row of a shard. A deleted row counts as no change:
    /// nobody has to read it.
    fn on_lease(&mut self, now: Time, before: Option<&Lease>, after: Option<&Lease>) {
        if before.or(after).is_some_and(|row| row.key.is_role()) {
            return;
        }
        let owner =
            |row: Option<&Lease>| row.and_then(|row| row.owner.clone().map(|o| (o, row.epoch)));
        let (was, is) = (owner(before), owner(after));
        // What is deleted is nobody's to read.
        if was != is && after.is_some() {
            self.known.last_change = now;
            self.acquires += u64::from(is.is_some());
        }
    }
}
