//! A lease that this session holds, under one epoch, and the phase that it is in.

use std::collections::BTreeSet;

use super::checkpoints::CheckpointState;
use crate::{
    env::Time,
    lease::{Epoch, Lease, SessionId},
    stream::ShardId,
};

/// A lease that this session holds, under one epoch.
#[derive(Debug)]
pub(super) struct HeldLease {
    /// The row as the acquire returned it. Its checkpoint is not brought up to date.
    pub(super) lease: Lease,
    pub(super) phase: Phase,
    pub(super) checkpoints: CheckpointState,
    /// Whether the processor made no progress: the release then asks for another worker.
    pub(super) stalled: bool,
}

/// The phase of a held lease. The module's table has the transitions.
#[derive(Debug)]
pub(super) enum Phase {
    /// The run dispatches.
    Running,
    /// The session lapsed: the run dispatches nothing until the row was read again.
    Suspended {
        /// Whether a read of the row is under way.
        reading: bool,
    },
    /// The plan gives the lease away: the run finishes its batch.
    Draining {
        /// The session that should take the lease next, if there is one.
        to: Option<SessionId>,
        /// When the batch is dropped.
        deadline: Time,
    },
    /// The run drops its batch; the lease is released once it has stopped.
    Dropping {
        /// The session that should take the lease next, if there is one.
        to: Option<SessionId>,
    },
    /// The shard has ended; the children's rows are being put, then the end is written.
    Ending(Ending),
}

impl HeldLease {
    pub(super) const fn epoch(&self) -> Epoch {
        self.lease.epoch
    }

    /// When the next checkpoint is written; never while the end is written instead.
    pub(super) fn write_at(&self) -> Time {
        match self.phase {
            Phase::Ending(_) => Time::NEVER,
            _ => self.checkpoints.next_write(),
        }
    }

    /// When the batch of a draining run is dropped.
    pub(super) const fn drop_at(&self) -> Time {
        match self.phase {
            Phase::Draining { deadline, .. } => deadline,
            _ => Time::NEVER,
        }
    }

    /// When the failed step of the shard's end is tried again.
    pub(super) const fn retry_at(&self) -> Time {
        match &self.phase {
            Phase::Ending(ending) => ending.retry_at(),
            _ => Time::NEVER,
        }
    }

    /// Whether the run dispatches nothing until the row was read again.
    pub(super) const fn is_suspended(&self) -> bool {
        matches!(self.phase, Phase::Suspended { .. })
    }

    /// Whether the run was ordered to stop.
    pub(super) const fn is_stopping(&self) -> bool {
        matches!(self.phase, Phase::Draining { .. } | Phase::Dropping { .. })
    }
}

/// The progress of a shard's end.
#[derive(Debug)]
pub(super) struct Ending {
    /// The rows to put for the shards that continue this one.
    pub(super) children: Vec<Lease>,
    /// The ids of these shards, which the end names.
    pub(super) names: Vec<ShardId>,
    /// The shards whose rows are not known to exist.
    pub(super) missing: BTreeSet<ShardId>,
    pub(super) step: Step,
}

/// The step that the end of a shard waits for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Calls are under way.
    Waiting,
    /// A call failed; it is made again at this time.
    Again(Time),
}

impl Ending {
    pub(super) const fn retry_at(&self) -> Time {
        match self.step {
            Step::Waiting => Time::NEVER,
            Step::Again(at) => at,
        }
    }
}
