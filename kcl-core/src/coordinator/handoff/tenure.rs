//! One lease this session holds, under one epoch.

use std::collections::BTreeSet;

use super::marks::Marks;
use crate::{
    env::Time,
    lease::{Epoch, Lease, SessionId},
    stream::ShardId,
};

/// One lease this session holds, under one epoch.
#[derive(Debug)]
pub(super) struct Tenure {
    /// The row as it was acquired.
    pub(super) lease: Lease,
    pub(super) phase: Phase,
    pub(super) marks: Marks,
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

impl Tenure {
    pub(super) const fn epoch(&self) -> Epoch {
        self.lease.epoch
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
