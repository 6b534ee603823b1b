//! One lease this session holds, under one epoch.

use std::collections::BTreeSet;

use super::checkpoints::CheckpointState;
use crate::{
    env::Time,
    lease::{Epoch, Lease, SessionId},
    stream::ShardId,
};

/// One lease this session holds, under one epoch.
#[derive(Debug)]
pub(super) struct HeldLease {
    /// The row as it was acquired.
    pub(super) lease: Lease,
    pub(super) phase: Phase,
    pub(super) checkpoints: CheckpointState,
    /// The processor made no progress: the release asks for another worker.
    pub(super) stalled: bool,
}

/// What goes on with a held lease.
#[derive(Debug)]
pub(super) enum Phase {
    /// The run dispatches.
    Running,
    /// The session lapsed: the run dispatches nothing until the row was read again.
    Suspended {
        /// Whether the row is being read.
        reading: bool,
    },
    /// The plan gives the lease away: the run finishes its batch.
    Draining {
        /// Who takes it next.
        to: Option<SessionId>,
        /// When the batch is dropped.
        deadline: Time,
    },
    /// The run drops its batch; then the lease is released.
    Dropping {
        /// Who takes it next.
        to: Option<SessionId>,
    },
    /// The shard has ended; its children are put and its end is written.
    Ending(Ending),
}

impl HeldLease {
    pub(super) const fn epoch(&self) -> Epoch {
        self.lease.epoch
    }

    /// When the newest checkpoint is written. The end of a shard is written instead of it.
    pub(super) fn write_at(&self) -> Time {
        match self.phase {
            Phase::Ending(_) => Time::NEVER,
            _ => self.checkpoints.next_write(),
        }
    }

    /// When the batch of a run that was told to finish it is dropped.
    pub(super) const fn drop_at(&self) -> Time {
        match self.phase {
            Phase::Draining { deadline, .. } => deadline,
            _ => Time::NEVER,
        }
    }

    /// When the step of the shard's end that failed is tried again.
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

    /// Whether the run has been told to stop.
    pub(super) const fn is_stopping(&self) -> bool {
        matches!(self.phase, Phase::Draining { .. } | Phase::Dropping { .. })
    }
}

/// Where the end of a shard has got to.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) children: Vec<Lease>,
    pub(super) names: Vec<ShardId>,
    /// Children whose rows are not known to be there.
    pub(super) missing: BTreeSet<ShardId>,
    pub(super) step: Step,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Calls are under way.
    Waiting,
    /// A call failed and is made again.
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
