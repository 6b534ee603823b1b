//! The history of a run, as plain data. The judge and the picture use nothing else.

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

/// A record that the stream acknowledged.
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
    /// The worker that processed it.
    pub(super) worker: WorkerNo,
    /// The shard from which the worker read it.
    pub(super) shard: ShardId,
    /// The epoch of the shard's lease, by the batch's fencing token.
    pub(super) epoch: Epoch,
    /// Its sequence number in the shard.
    pub(super) sequence: SequenceNumber,
    /// The record's number: [`Produced::id`].
    pub(super) id: u64,
    /// When it was processed.
    pub(super) at: Millis,
    /// The time from its sending to its processing.
    pub(super) lag: Millis,
}

/// A lease that a worker gained or lost, by the worker's own event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    /// The worker.
    pub(super) worker: WorkerNo,
    /// The shard of the lease.
    pub(super) shard: ShardId,
    /// The epoch under which the worker held it.
    pub(super) epoch: Epoch,
    /// Whether the worker gained the lease; otherwise it lost it.
    pub(super) gained: bool,
    /// When the event came. Events of two workers may come in the wrong order.
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

/// One thing that the script does to the fleet or to the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cue {
    /// The first workers start on these open shards.
    Start(Vec<WorkerNo>, Vec<ShardId>),
    /// Shards are split.
    Split(Vec<Split>),
    /// Workers join.
    Join(Vec<WorkerNo>),
    /// A worker is switched off: it releases nothing and ends no session.
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

    /// The workers that start, join or go; empty for a split.
    pub(super) fn workers(&self) -> &[WorkerNo] {
        match self {
            Self::Start(workers, _) | Self::Join(workers) => workers,
            Self::Split(_) => &[],
            Self::Crash(worker) | Self::Leave(worker) => std::slice::from_ref(worker),
        }
    }
}

/// A cue, and when the script gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// What the script did.
    pub(super) cue: Cue,
    /// When it began to.
    pub(super) at: Millis,
}

/// Everything that happened. Each list is in the order it happened.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    /// The records that the stream acknowledged.
    pub(super) produced: Vec<Produced>,
    /// The records that workers processed: one order over all workers.
    pub(super) deliveries: Vec<Delivery>,
    /// The leases that workers gained and lost.
    pub(super) turns: Vec<Turn>,
    /// What the script did.
    pub(super) events: Vec<Event>,
    /// When the run ended.
    pub(super) over: Millis,
}
