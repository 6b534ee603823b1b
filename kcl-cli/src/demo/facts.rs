//! What happened in a run, as plain facts: all that the judge goes by.

use std::fmt;

use kcl_core::{
    lease::Epoch,
    stream::{SequenceNumber, ShardId},
};

/// Milliseconds since the start of the run.
pub(super) type Millis = u64;

/// A worker of the demo, by number from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WorkerNo(pub(super) u16);

impl fmt::Display for WorkerNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker-{}", self.0)
    }
}

/// A record the stream acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Produced {
    /// Its number, unique in the run.
    pub(super) id: u64,
    /// Its partition key.
    pub(super) key: u32,
    /// Its place among the records of its key, in the order they were acknowledged.
    pub(super) nth: u32,
}

/// A record that a worker processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Delivery {
    /// By whom.
    pub(super) worker: WorkerNo,
    /// From which shard.
    pub(super) shard: ShardId,
    /// Under which epoch of the shard's lease.
    pub(super) epoch: Epoch,
    /// Its place in the shard.
    pub(super) sequence: SequenceNumber,
    /// Which record.
    pub(super) id: u64,
    /// When.
    pub(super) at: Millis,
    /// How long after it was sent.
    pub(super) lag: Millis,
}

/// A lease that came or went, as its worker told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    /// Which worker.
    pub(super) worker: WorkerNo,
    /// Which shard's lease.
    pub(super) shard: ShardId,
    /// Under which epoch.
    pub(super) epoch: Epoch,
    /// Whether it is held from now on, or no longer.
    pub(super) gained: bool,
    /// When.
    pub(super) at: Millis,
}

/// A shard that was split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Split {
    /// The shard that ended.
    pub(super) parent: ShardId,
    /// The shards that go on from it.
    pub(super) children: Vec<ShardId>,
}

/// Something done to the fleet or the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cue {
    /// The first workers start on these open shards.
    Start(Vec<WorkerNo>, Vec<ShardId>),
    /// Shards are split.
    Split(Vec<Split>),
    /// Workers join.
    Join(Vec<WorkerNo>),
    /// A worker dies without a word.
    Crash(WorkerNo),
    /// A worker leaves gracefully.
    Leave(WorkerNo),
}

impl Cue {
    /// Its name in the verdict.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Start(..) => "start",
            Self::Split(_) => "split",
            Self::Join(_) => "join",
            Self::Crash(_) => "crash",
            Self::Leave(_) => "leave",
        }
    }

    /// The workers it is about.
    pub(super) fn workers(&self) -> &[WorkerNo] {
        match self {
            Self::Start(workers, _) | Self::Join(workers) => workers,
            Self::Split(_) => &[],
            Self::Crash(worker) | Self::Leave(worker) => std::slice::from_ref(worker),
        }
    }
}

/// A cue and when it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// What.
    pub(super) cue: Cue,
    /// When.
    pub(super) at: Millis,
}

/// Everything that happened. Each list is in the order it happened.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    /// What the stream acknowledged.
    pub(super) produced: Vec<Produced>,
    /// What was processed, by whomever: one order over all workers.
    pub(super) deliveries: Vec<Delivery>,
    /// How leases changed hands.
    pub(super) turns: Vec<Turn>,
    /// What was done to the fleet.
    pub(super) events: Vec<Event>,
    /// When the run was over.
    pub(super) over: Millis,
}
