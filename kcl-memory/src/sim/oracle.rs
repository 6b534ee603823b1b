//! What is true of a run, kept outside the code under test.

use std::{collections::BTreeMap, fmt, time::Duration};

use kcl_core::{
    coordinator::StoreCall,
    env::Time,
    lease::{Changing, DocName, Document, Epoch, Lease, LeaseKey, Session, SessionId, WorkerId},
    stream::ShardId,
};

use super::{
    invariants::{self, Excuse, Invariant},
    stream::ShardNo,
};

/// A call that is on its way lands no later than this.
pub(super) const LATE_MAX: Duration = Duration::from_secs(15);

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: &'static str,
    /// When, on the simulation's own clock.
    pub at: Time,
    /// How.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} broken at {}: {}", self.invariant, self.at, self.what)
    }
}

impl std::error::Error for Violation {}

/// Something that is true.
#[derive(Debug)]
pub(super) enum Fact<'a> {
    /// A call changed a lease row.
    Lease {
        call: &'a StoreCall,
        before: Option<&'a Lease>,
        after: Option<&'a Lease>,
        shard: Option<ShardNo>,
        /// The session that wrote it stays: it neither leaves nor has ended.
        stays: bool,
        /// What nobody will read now that the row has ended or is gone.
        uncovered: Option<String>,
        /// The one worker that the placement rules allow to take it.
        allowed: Option<WorkerId>,
        /// It was taken by a process that came after the store's clock went back.
        newcomer: bool,
    },
    /// A call changed a session row.
    Session {
        call: &'a StoreCall,
        before: Option<&'a Session>,
        after: Option<&'a Session>,
        /// Of a row that is made: whether a process that is up lives in its session.
        up: bool,
    },
    /// A lease was taken from another session; whether that one's row says that it lives.
    Taken { row: &'a Lease, from: &'a SessionId, epoch: Epoch, lives: bool },
    /// A lease row was deleted; whether the stream still lists its shard.
    Deleted { row: &'a Lease, unfinished: bool, listed: bool },
    /// The end of a shard was written; children that it names and that have no row.
    Ended { row: &'a Lease, without_row: Vec<LeaseKey> },
    /// A worker believes that its session has ended; whether that one's row says that it lives.
    Fenced { session: &'a SessionId, lives: bool },
    /// A worker stopped because another one uses its id; whether any other one ever did.
    GaveWay { worker: &'a WorkerId, rivals: bool },
    /// A worker runs a lease; whether that is of its own stream.
    RunStarted { worker: &'a WorkerId, key: &'a LeaseKey, own: bool },
    /// A session has joined and lives; whether the application reads another stream.
    Joined { session: &'a SessionId, stranger: bool },
    /// The application changed streams; who reads the former one, has joined and lives.
    Switched { still: Option<&'a SessionId> },
    /// A worker left because the application reads another stream; whether anybody does.
    LeftForStream { worker: &'a WorkerId, rivals: bool },
    /// A document was written.
    Document(&'a Document),
    /// A document was deleted. What was sent before may write it anew.
    DocumentGone(&'a DocName),
    /// The stream was deleted and made again, with this as its first shard.
    Remade { first: ShardNo },
    /// The store lost where reading began, and nobody knows it.
    StartLost { name: &'a DocName },
    /// The clock of this session's machine stood still with it.
    ClockStood { session: &'a SessionId },
    /// A planner published a plan in which so many leases change hands.
    Planned { moves: usize },
    /// A worker gave records to its processor.
    Dispatched(Dispatch<'a>),
    /// A processor is done with records.
    Processed { shard: ShardNo, epoch: Epoch, after: u64, to: u64 },
    /// A reader was told that records up to this one are gone.
    Lost { shard: ShardNo, epoch: Epoch, to: u64 },
    /// Records up to this one are gone, or from before reading began: nobody has to read them.
    Gone { shard: ShardNo, to: u64 },
    /// Reading starts again: records up to this one nobody has to read, all others are to be read.
    Begun { shard: ShardNo, to: u64 },
    /// The store lost its last writes.
    RolledBack,
    /// The store lost the row of this session: whoever looks takes it for ended.
    SessionLost { session: &'a SessionId },
    /// Nothing has failed for as long as the protocol asks for.
    Due(&'a Settled),
    /// The run is over, and the fleet had time to settle.
    Settled(&'a Settled),
}

/// Records given to a processor: those after `after`.
#[derive(Debug)]
pub(super) struct Dispatch<'a> {
    pub(super) worker: &'a WorkerId,
    pub(super) shard: ShardNo,
    pub(super) name: &'a ShardId,
    pub(super) epoch: Epoch,
    pub(super) after: u64,
    /// A parent of the shard that is not processed to its end: how far, and how much there is.
    pub(super) unread_parent: Option<(ShardId, u64, u64)>,
    /// Another worker that has records of the shard in its processor now.
    pub(super) overlaps: Option<WorkerId>,
}

/// The fleet after the last fault.
#[derive(Debug)]
pub(super) struct Settled {
    /// The lease rows.
    pub(super) leases: BTreeMap<LeaseKey, Lease>,
    /// What each worker that is up runs.
    pub(super) running: BTreeMap<SessionId, SettledWorker>,
    /// Every shard the stream ever had, by number.
    pub(super) shards: Vec<SettledShard>,
    /// Leases are shared out evenly: no rule says otherwise.
    pub(super) even: bool,
    /// How many records a healthy reader may be behind.
    pub(super) slack: u64,
    /// From when on nothing may move.
    pub(super) rest_since: Time,
    /// Parents of a lease that has to be run ended before.
    pub(super) runnable_since: Time,
}

/// A worker after the last fault.
#[derive(Debug)]
pub(super) struct SettledWorker {
    /// The shards it runs, under which epoch and up to which record.
    pub(super) runs: BTreeMap<ShardNo, (Epoch, u64)>,
    pub(super) stays: bool,
    /// It reads another stream than the application.
    pub(super) stranger: bool,
}

/// A shard after the last fault.
#[derive(Debug)]
pub(super) struct SettledShard {
    pub(super) key: LeaseKey,
    /// How many records it took.
    pub(super) count: u64,
    pub(super) open: bool,
    /// Whether somebody has to read it.
    pub(super) needed: bool,
    pub(super) parents: Vec<ShardNo>,
}

/// What is known of a run: given to invariants with each fact.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Records of each shard that are processed, or that nobody has to: all up to this one.
    done: Vec<u64>,
    /// What was processed of each before its lease was set back: an undo returns there.
    reached: Vec<u64>,
    /// When a lease last changed its owner.
    pub(super) last_change: Time,
    /// When the lease of each shard ended.
    ended: Vec<Time>,
    /// Until when what was sent before the store last went back may still land.
    pub(super) late_until: Time,
    pub(super) now: Time,
    /// Whether the application is closed: rows may be set back.
    pub(super) closed: bool,
    /// How many parts per million clocks run fast or slow, at most.
    pub(super) drift: u32,
}

impl Known {
    pub(super) fn done(&self, shard: ShardNo) -> u64 {
        self.done.get(shard).copied().unwrap_or(0)
    }

    /// How many records of a shard were ever processed.
    pub(super) fn reached(&self, shard: ShardNo) -> u64 {
        self.done(shard).max(self.reached.get(shard).copied().unwrap_or(0))
    }

    /// When the lease of a shard ended, if it has.
    pub(super) fn ended(&self, shard: ShardNo) -> Time {
        self.ended.get(shard).copied().unwrap_or(Time::ZERO)
    }

    fn done_mut(&mut self, shard: ShardNo) -> &mut u64 {
        if self.done.len() <= shard {
            self.done.resize(shard + 1, 0);
        }
        &mut self.done[shard]
    }

    /// Its records are to be read again from `to` on.
    fn begin(&mut self, shard: ShardNo, to: u64) {
        let reached = self.reached(shard);
        if self.reached.len() <= shard {
            self.reached.resize(shard + 1, 0);
        }
        self.reached[shard] = reached;
        *self.done_mut(shard) = to;
    }

    fn set_ended(&mut self, shard: ShardNo, at: Time) {
        if self.ended.len() <= shard {
            self.ended.resize(shard + 1, Time::ZERO);
        }
        self.ended[shard] = at;
    }
}

/// What is true of a run, and the invariants it is held to.
#[derive(Debug)]
pub(super) struct Oracle {
    invariants: Vec<Box<dyn Invariant>>,
    known: Known,
    pub(super) duplicates: u64,
    pub(super) processed: u64,
    pub(super) acquires: u64,
}

impl Oracle {
    /// For a run in which clocks drift by at most so many parts per million.
    pub(super) fn new(drift: u64) -> Self {
        Self::of(invariants::all(), drift)
    }

    /// The same, held to these invariants only.
    pub(super) fn of(invariants: Vec<Box<dyn Invariant>>, drift: u64) -> Self {
        let drift = u32::try_from(drift).unwrap_or(u32::MAX);
        Self {
            invariants,
            known: Known { drift, ..Known::default() },
            duplicates: 0,
            processed: 0,
            acquires: 0,
        }
    }

    /// For the history of one row, which does not show whether the application was closed.
    #[cfg(feature = "conformance")]
    pub(super) fn of_a_row(invariants: Vec<Box<dyn Invariant>>) -> Self {
        let mut oracle = Self::of(invariants, 0);
        oracle.known.closed = true;
        oracle
    }

    pub(super) fn done(&self, shard: ShardNo) -> u64 {
        self.known.done(shard)
    }

    pub(super) fn reached(&self, shard: ShardNo) -> u64 {
        self.known.reached(shard)
    }

    /// The store went back to where the application was closed, or open.
    pub(super) const fn set_closed(&mut self, closed: bool) {
        self.known.closed = closed;
    }

    pub(super) const fn is_closed(&self) -> bool {
        self.known.closed
    }

    /// From now on some invariants do not hold.
    pub(super) fn excuse(&mut self, excuse: Excuse) {
        self.invariants.retain(|invariant| invariant.until() != Some(excuse));
    }

    /// Learns a fact, and checks it.
    pub(super) fn learn(&mut self, now: Time, fact: &Fact<'_>) -> Result<(), Violation> {
        self.known.now = now;
        if matches!(fact, Fact::RolledBack) {
            self.known.late_until = now + LATE_MAX;
        }
        for invariant in &mut self.invariants {
            let name = invariant.name();
            invariant.check(fact, &self.known).map_err(|what| Violation {
                invariant: name,
                at: now,
                what,
            })?;
        }
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
        Ok(())
    }

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
