//! What is true of a run, kept outside the code under test.

use std::{collections::BTreeMap, fmt};

use kcl_core::{
    coordinator::StoreCall,
    env::Time,
    lease::{Document, Epoch, Lease, LeaseKey, Session, SessionId, WorkerId},
    stream::ShardId,
};

use super::invariants::{self, Invariant};

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
    Lease { call: &'a StoreCall, before: Option<&'a Lease>, after: Option<&'a Lease> },
    /// A call changed a session row.
    Session {
        at: Time,
        call: &'a StoreCall,
        before: Option<&'a Session>,
        after: Option<&'a Session>,
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
    /// A document was written.
    Document(&'a Document),
    /// A worker gave records to its processor.
    Dispatched(Dispatch<'a>),
    /// A processor is done with records.
    Processed { shard: &'a ShardId, after: u64, to: u64 },
    /// The store lost its last writes.
    RolledBack,
    /// The run is over, and the fleet had time to settle.
    Settled(&'a Settled),
}

/// Records given to a processor: those after `after`, up to and including `to`.
#[derive(Debug)]
pub(super) struct Dispatch<'a> {
    pub(super) worker: &'a WorkerId,
    pub(super) shard: &'a ShardId,
    pub(super) epoch: Epoch,
    pub(super) after: u64,
    pub(super) to: u64,
    /// Parents of the shard with the number of records each has.
    pub(super) parents: Vec<(ShardId, u64)>,
    /// Another worker that has records of the shard in its processor now.
    pub(super) overlaps: Option<WorkerId>,
}

/// The fleet at the end of a run.
#[derive(Debug)]
pub(super) struct Settled {
    /// The lease rows.
    pub(super) leases: BTreeMap<LeaseKey, Lease>,
    /// For each worker that is up and stays: the shards it runs and how far it got in them.
    pub(super) running: BTreeMap<WorkerId, BTreeMap<ShardId, (Epoch, u64)>>,
    /// Every shard the stream ever had: how many records, and whether it takes more.
    pub(super) shards: BTreeMap<ShardId, (u64, bool)>,
    /// How many records a healthy reader may be behind.
    pub(super) slack: u64,
    /// When a lease last changed its owner.
    pub(super) last_change: Time,
    pub(super) quiet_since: Time,
}

/// What is true of a run, and the invariants it is held to.
#[derive(Debug)]
pub(super) struct Oracle {
    invariants: Vec<Box<dyn Invariant>>,
    /// Records of each shard that are processed: all up to this one.
    done: BTreeMap<ShardId, u64>,
    pub(super) duplicates: u64,
    pub(super) processed: u64,
    pub(super) acquires: u64,
    pub(super) last_change: Time,
}

impl Oracle {
    pub(super) fn new() -> Self {
        Self {
            invariants: invariants::all(),
            done: BTreeMap::new(),
            duplicates: 0,
            processed: 0,
            acquires: 0,
            last_change: Time::ZERO,
        }
    }

    /// From now on two workers may dispatch one shard at once.
    pub(super) fn allow_overlap(&mut self) {
        self.invariants.retain(|invariant| !invariant.excuses_overlap());
    }

    /// Learns a fact, and checks it.
    pub(super) fn learn(&mut self, now: Time, fact: &Fact<'_>) -> Result<(), Violation> {
        for invariant in &mut self.invariants {
            let name = invariant.name();
            invariant.check(fact, &self.done).map_err(|what| Violation {
                invariant: name,
                at: now,
                what,
            })?;
        }
        match fact {
            Fact::Processed { shard, after, to } => {
                let done = self.done.entry((*shard).clone()).or_default();
                self.duplicates += (*done).min(*to).saturating_sub(*after);
                self.processed += to.saturating_sub(*done);
                *done = (*done).max(*to);
            }
            Fact::Lease { before, after, .. } => {
                let owner = |row: &Option<&Lease>| {
                    row.and_then(|row| row.owner.clone().map(|owner| (owner, row.epoch)))
                };
                let role = before.or(*after).is_some_and(|row| row.key.is_role());
                if !role && owner(before) != owner(after) {
                    self.last_change = now;
                    self.acquires += u64::from(owner(after).is_some());
                }
            }
            _ => {}
        }
        Ok(())
    }
}
