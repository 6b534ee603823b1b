//! The row of a lease, which binds one shard to at most one session.

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
    /// The epoch of a lease that nobody has held.
    pub const NONE: Self = Self(0);
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The row of a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lease {
    /// The lease's key.
    pub key: LeaseKey,
    /// The session that holds the lease; `None` if it is unowned.
    pub owner: Option<SessionId>,
    /// The fencing token.
    pub epoch: Epoch,
    /// The position up to which the shard is processed.
    pub checkpoint: Checkpoint,
    /// The lag when the checkpoint was written.
    pub progress: Progress,
    /// The parents of the shard: two after a merge, one after a split, else none.
    pub parents: Vec<ShardId>,
    /// The children of the shard, which are written with its end.
    pub children: Vec<ShardId>,
    /// The hash keys of the shard; `None` if unknown.
    pub range: Option<HashRange>,
    /// The session to which the last owner released the lease.
    pub successor: Option<SessionId>,
    /// A worker that released the lease because its processor made no progress. The planner gives
    /// the lease to another worker while there is one.
    pub avoid: Option<WorkerId>,
}

impl Lease {
    /// A lease that nobody has held, with the checkpoint `start`.
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

    /// Sets the parents and the hash keys.
    #[must_use]
    pub fn of_shard(mut self, parents: Vec<ShardId>, range: Option<HashRange>) -> Self {
        self.parents = parents;
        self.range = range;
        self
    }

    /// True if the shard is processed to its end.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.checkpoint.is_end()
    }

    /// True if `session` holds the lease under `epoch`.
    #[must_use]
    pub fn is_held_by(&self, session: &SessionId, epoch: Epoch) -> bool {
        let mine = self.owner.as_ref() == Some(session) && self.is_under(epoch);
        mine || self.is_any_lifes_of(&session.worker)
    }

    fn is_under(&self, epoch: Epoch) -> bool {
        self.epoch == epoch || planted!(EpochNotCompared)
    }

    /// Always false without the planted bug: a session holds no lease of another session of the
    /// same worker.
    fn is_any_lifes_of(&self, worker: &WorkerId) -> bool {
        planted!(OwnerOnlyFencing) && self.owner.as_ref().is_some_and(|of| of.worker == *worker)
    }

    /// True if `me` may acquire the lease without an order of the planner (PROTOCOL rule 4): it has
    /// no owner, `me` owns it without running it, or its owner's session has ended.
    ///
    /// The caller's `has_ended` may use an old answer, because the end of a session is final. For a
    /// session without a row it must be true only after a strongly consistent read.
    #[must_use]
    pub fn is_free_for(&self, me: &SessionId, has_ended: impl FnOnce(&SessionId) -> bool) -> bool {
        self.owner.as_ref().is_none_or(|owner| owner == me || has_ended(owner))
    }
}

/// The lag of a shard when its checkpoint was written. For display only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The time at which the checkpointed record arrived at the stream.
    pub arrival: Option<WallTime>,
    /// The distance behind the newest record, in whole milliseconds.
    pub lag: Option<Duration>,
    /// Bytes per second that arrived at the shard; 0 if unknown. Only planners of older releases
    /// read it: [`super::report::WorkerReport`] has better figures.
    pub rate: u64,
}

impl Progress {
    /// No progress is known.
    pub const NONE: Self = Self { arrival: None, lag: None, rate: 0 };
}
