//! What happens to a coordinator.

use super::call::{CallId, StoreOutcome};
use crate::{
    lease::{Checkpoint, Epoch, LeaseKey, Progress, report::WorkerReport},
    stream::{Shard, SourceErrorKind, StreamDescription},
};

/// Something happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The time [`super::Coordinator::next_wake`] named has come, or any other time.
    Tick,
    /// A store call ended.
    Store(CallId, StoreOutcome),
    /// The stream that [`super::Command::Describe`] named was described.
    Described(CallId, Result<StreamDescription, SourceErrorKind>),
    /// The shards of the stream that [`super::Command::ListShards`] named were listed.
    Shards(CallId, Result<StreamView, SourceErrorKind>),
    /// A run has news.
    Run(RunEvent),
    /// What the worker knows of itself was measured.
    Measured(Box<WorkerReport>),
    /// A kind of fact has changed of which the worker's report tells.
    News,
    /// The store pushed a wake-up.
    Woken,
    /// The store pushes wake-ups from now on, or no longer does.
    Pushes(bool),
    /// The worker is asked to leave.
    Leave,
}

/// The stream as one listing showed it.
#[derive(Clone, Debug)]
pub struct StreamView {
    /// What the stream is.
    pub description: StreamDescription,
    /// Every shard it lists.
    pub shards: Vec<Shard>,
}

/// News of the run of one lease under one epoch.
#[derive(Clone, Debug)]
pub struct RunEvent {
    /// Which lease.
    pub key: LeaseKey,
    /// Under which epoch.
    pub epoch: Epoch,
    /// What it has to say.
    pub news: RunNews,
}

/// What a run has to say.
#[derive(Clone, Debug)]
pub enum RunNews {
    /// Everything up to here is processed.
    Progress {
        /// How far.
        checkpoint: Checkpoint,
        /// What is known of the lag.
        progress: Progress,
        /// Whether somebody waits for it to be stored.
        flush: bool,
    },
    /// The processor acknowledged the end of the shard; these shards continue it.
    Ended {
        /// The shards that continue it.
        children: Vec<Shard>,
    },
    /// Nothing of the run is dispatched any more, and nothing will be.
    Stopped,
    /// The processor makes no progress; the lease had better go elsewhere.
    Stalled,
    /// The source says that it is not of the lease's stream, or not in that life of it.
    OtherStream,
}
