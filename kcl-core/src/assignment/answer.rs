//! The result of `plan`: seats, and leases without one.

use super::WorkerIndex;
use crate::lease::WorkerId;

/// A plan: the worker that should hold each lease.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// For each lease of the view, in its order, the worker that should hold it; `None` if none
    /// may.
    pub seats: Vec<Option<WorkerIndex>>,
    /// The leases that no worker may hold. The one with the greatest lag comes first; an unknown
    /// lag counts as the greatest.
    pub unassigned: Vec<Unassigned>,
    /// For each worker of the view, in its order, how many leases it should hold.
    pub counts: Vec<usize>,
    /// How many leases a live worker holds and should give away.
    pub moves: usize,
}

/// A lease that no worker may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unassigned {
    /// The index of the lease in [`super::View::leases`].
    pub lease: usize,
    /// The reason.
    pub reason: Reason,
}

/// Why no worker may hold a lease.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// There is no live worker.
    #[error("no worker lives")]
    NoWorker,
    /// The operator has drained every live worker.
    #[error(
        "every worker that lives is drained: start another, or take one back with `kcl workers \
         undrain`"
    )]
    AllDrained,
    /// The operator has paused the lease.
    #[error("it is paused, until `kcl leases resume`")]
    Paused,
    /// The operator wants its holder to release it, and no other worker can take it now.
    #[error("its worker lets go of it, by the operator's word, and may take it again at once")]
    LetGo,
    /// Every worker has as many leases as it may hold.
    #[error("every worker is at its limit: add workers or raise the limit")]
    LimitReached,
    /// A placement rule requires a worker that is not live.
    #[error("its placement rule requires worker {worker}, which is not there")]
    RequiredWorkerAbsent {
        /// The required worker.
        worker: WorkerId,
    },
    /// A placement rule requires a worker that the operator has drained.
    #[error(
        "its placement rule requires worker {worker}, which is drained: until `kcl workers \
         undrain` nobody reads it"
    )]
    RequiredWorkerDrained {
        /// The required worker.
        worker: WorkerId,
    },
    /// A placement rule requires a worker that has as many leases as it may hold.
    #[error("its placement rule requires worker {worker}, which is at its limit")]
    RequiredWorkerFull {
        /// The required worker.
        worker: WorkerId,
    },
    /// No placement rule covers the lease, and the rules say that uncovered shards are not read.
    #[error("no placement rule covers it, and uncovered shards are held")]
    HeldBack,
}
