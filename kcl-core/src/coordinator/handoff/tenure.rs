//! One lease this session holds, under one epoch.

use super::{ending::Ending, marks::Marks};
use crate::{
    env::Time,
    lease::{Epoch, Lease, SessionId},
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
