//! What a plan says.

use super::WorkerIndex;
use crate::lease::WorkerId;

/// Who should hold which lease.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// For each lease of the view, the worker that should hold it.
    pub seats: Vec<Option<WorkerIndex>>,
    /// The leases nobody should hold, most lagging first.
    pub unassigned: Vec<Unassigned>,
    /// How many leases each worker of the view should hold.
    pub counts: Vec<usize>,
    /// How many leases a live worker holds and should give up.
    pub moves: usize,
}

/// A lease nobody can or may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unassigned {
    /// The lease: index into [`super::View::leases`].
    pub lease: usize,
    /// Why.
    pub reason: Reason,
}

/// Why nobody should hold a lease.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// No worker lives.
    #[error("no worker lives")]
    NoWorker,
    /// Every worker that lives is drained.
    #[error(
        "every worker that lives is drained: start another, or take one back with `kcl workers \
         undrain`"
    )]
    AllDrained,
    /// The operator has paused it.
    #[error("it is paused, until `kcl leases resume`")]
    Paused,
    /// Its holder is to let go of it, and nobody else can take it at this moment.
    #[error("its worker lets go of it, by the operator's word, and may take it again at once")]
    LetGo,
    /// Every worker is at its limit.
    #[error("every worker is at its limit: add workers or raise the limit")]
    LimitReached,
    /// A rule requires a worker that does not live.
    #[error("its placement rule requires worker {worker}, which is not there")]
    RequiredWorkerAbsent {
        /// The worker.
        worker: WorkerId,
    },
    /// A rule requires a worker that is drained.
    #[error(
        "its placement rule requires worker {worker}, which is drained: until `kcl workers \
         undrain` nobody reads it"
    )]
    RequiredWorkerDrained {
        /// The worker.
        worker: WorkerId,
    },
    /// A rule requires a worker that is at its limit.
    #[error("its placement rule requires worker {worker}, which is at its limit")]
    RequiredWorkerFull {
        /// The worker.
        worker: WorkerId,
    },
    /// No rule covers it, and uncovered shards are held.
    #[error("no placement rule covers it, and uncovered shards are held")]
    HeldBack,
}
