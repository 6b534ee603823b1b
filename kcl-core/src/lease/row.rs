//! The row that binds one shard to at most one session.

use std::{fmt, time::Duration};

use super::{Checkpoint, LeaseKey, SessionId, WorkerId};
use crate::{
    env::WallTime,
    stream::{HashRange, ShardId},
};

/// The fencing token of a lease: grows at each change of owner, never used twice
/// (`leaseCounter` plays this part in the Java KCL).
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl Epoch {
    /// The epoch of a lease that nobody ever held.
    pub const NONE: Self = Self(0);
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A lease, as its row says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lease {
    /// Which lease.
    pub key: LeaseKey,
    /// Who holds it.
    pub owner: Option<SessionId>,
    /// Its fencing token.
    pub epoch: Epoch,
    /// How far the shard is processed.
    pub checkpoint: Checkpoint,
    /// What was known of the lag when the checkpoint was written.
    pub progress: Progress,
    /// The shards this one came from.
    pub parents: Vec<ShardId>,
    /// The shards that continue it; written with the end of the shard.
    pub children: Vec<ShardId>,
    /// The hash keys it covers, where known.
    pub range: Option<HashRange>,
    /// Whom the last owner released it to.
    pub successor: Option<SessionId>,
    /// A worker that gave the lease up because its processor made no progress: planned elsewhere
    /// while anybody else lives.
    pub avoid: Option<WorkerId>,
}

impl Lease {
    /// A lease nobody has held yet.
    #[must_use]
    pub const fn new(key: LeaseKey, start: Checkpoint) -> Self {
        Self {
            key,
            owner: None,
            epoch: Epoch::NONE,
            checkpoint: start,
            progress: Progress::NONE,
            parents: Vec::new(),
            children: Vec::new(),
            range: None,
            successor: None,
            avoid: None,
        }
    }

    /// The same lease, knowing its place in the lineage.
    #[must_use]
    pub fn of_shard(mut self, parents: Vec<ShardId>, range: Option<HashRange>) -> Self {
        self.parents = parents;
        self.range = range;
        self
    }

    /// Whether the shard is processed to its end.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.checkpoint.is_end()
    }

    /// Whether `session` holds the lease under `epoch`.
    #[must_use]
    pub fn is_held_by(&self, session: &SessionId, epoch: Epoch) -> bool {
        let mine = self.owner.as_ref() == Some(session) && self.is_under(epoch);
        mine || self.is_any_lifes_of(&session.worker)
    }

    fn is_under(&self, epoch: Epoch) -> bool {
        self.epoch == epoch || planted!(EpochNotCompared)
    }

    /// Whether every life of a worker holds what one of them does: it does not.
    fn is_any_lifes_of(&self, worker: &WorkerId) -> bool {
        planted!(OwnerOnlyFencing) && self.owner.as_ref().is_some_and(|of| of.worker == *worker)
    }

    /// Whether `me` may acquire the lease without an order to (PROTOCOL rule 4): nobody owns
    /// it, or `me` does without running it, or its owner has ended. An end is final, so it may have
    /// been learned at any time; of a session without a row it is believed only after a consistent
    /// read.
    #[must_use]
    pub fn is_free_for(&self, me: &SessionId, has_ended: impl FnOnce(&SessionId) -> bool) -> bool {
        self.owner.as_ref().is_none_or(|owner| owner == me || has_ended(owner))
    }
}

/// What was known of a shard's lag when its checkpoint was written. For display.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// When the checkpointed record arrived at the stream.
    pub arrival: Option<WallTime>,
    /// How far behind the newest record the shard was. Whole milliseconds.
    pub lag: Option<Duration>,
    /// Bytes a second that arrived at the shard lately; zero if that was not known. For planners of
    /// older builds: [`super::report::WorkerReport`] says more.
    pub rate: u64,
}

impl Progress {
    /// Nothing known.
    pub const NONE: Self = Self { arrival: None, lag: None, rate: 0 };
}
