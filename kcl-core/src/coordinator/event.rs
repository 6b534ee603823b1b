//! The events that a coordinator reacts to.

use super::call::{CallId, StoreOutcome};
use crate::{
    lease::{Checkpoint, Epoch, LeaseKey, Progress, report::WorkerReport},
    stream::{Shard, SourceErrorKind, StreamDescription},
};

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The time of [`super::Coordinator::next_wake`] has come. A tick at any other time does no
    /// harm.
    Tick,
    /// The outcome of a [`super::Command::Store`].
    Store(CallId, StoreOutcome),
    /// The outcome of a [`super::Command::Describe`].
    Described(CallId, Result<StreamDescription, SourceErrorKind>),
    /// The outcome of a [`super::Command::ListShards`].
    Shards(CallId, Result<StreamView, SourceErrorKind>),
    /// A run has news.
    Run(RunEvent),
    /// The answer to [`super::Command::Measure`].
    Measured(Box<WorkerReport>),
    /// A kind of fact in the worker's report has changed, for example: a shard began to fail, or a
    /// call was denied.
    News,
    /// The store pushed a wake-up to this session.
    Woken,
    /// From now on the store pushes wake-ups (`true`), or no longer does (`false`).
    Pushes(bool),
    /// The worker should leave.
    Leave,
}

/// A stream and its shards, as one listing returned them.
#[derive(Clone, Debug)]
pub struct StreamView {
    /// The description of the stream.
    pub description: StreamDescription,
    /// Every shard that the stream lists.
    pub shards: Vec<Shard>,
}

/// News of the run of one lease under one epoch. News of an epoch that is over are ignored.
#[derive(Clone, Debug)]
pub struct RunEvent {
    /// The lease.
    pub key: LeaseKey,
    /// The epoch of the run.
    pub epoch: Epoch,
    /// The news.
    pub news: RunNews,
}

/// A report of a run.
#[derive(Clone, Debug)]
pub enum RunNews {
    /// Every record up to a checkpoint was processed.
    Progress {
        /// The checkpoint.
        checkpoint: Checkpoint,
        /// When the checkpointed record arrived, and the measured lag, as far as they are known.
        progress: Progress,
        /// Whether the processor waits until the store holds the checkpoint.
        flush: bool,
    },
    /// The processor acknowledged the end of the shard.
    Ended {
        /// The shards that continue this one.
        children: Vec<Shard>,
    },
    /// The run stopped: it dispatches nothing, now or later.
    Stopped,
    /// The processor makes no progress; another worker should take the lease.
    Stalled,
    /// The source reads another stream than the lease names, or another life of it.
    OtherStream,
}
