//! The events about the leases of a worker.

/// Adds these events to those before them, for the next group.
macro_rules! leases {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

    /// The worker acquired a lease and reads its shard from now on.
    #[non_exhaustive]
    LeaseGained {
        /// The lease.
        key: LeaseKey,
        /// The new epoch of the lease.
        epoch: Epoch,
    },
    /// The worker begins to release a lease.
    #[non_exhaustive]
    LeaseReleasing {
        /// The lease.
        key: LeaseKey,
        /// The epoch under which the worker holds it.
        epoch: Epoch,
    },
    /// The worker does not hold a lease any more.
    #[non_exhaustive]
    LeaseLost {
        /// The lease.
        key: LeaseKey,
        /// The epoch under which the worker held it.
        epoch: Epoch,
        /// Why.
        reason: LossReason,
    },
    /// The processor of a lease makes no progress. The worker gives the lease to another worker.
    #[non_exhaustive]
    LeaseStalled {
        /// The lease.
        key: LeaseKey,
        /// The epoch under which the worker held it.
        epoch: Epoch,
    },
    /// A live session holds a lease that it was not expected to hold.
    #[non_exhaustive]
    LeaseConflict {
        /// The lease.
        key: LeaseKey,
        /// The session that holds it.
        session: SessionId,
    },
    /// The planner ordered a worker to take a lease from one that did not release it in time.
    #[non_exhaustive]
    LeaseForced {
        /// The lease.
        key: LeaseKey,
        /// The session that loses it.
        from: SessionId,
        /// Whether the former owner never confirmed the order: both may process for a moment.
        overlap: bool,
    },
    /// The worker ignores a lease of another stream, or of another life of its stream.
    #[non_exhaustive]
    NotOfMyStream {
        /// The lease.
        key: LeaseKey,
    },
    /// The store has the end of a shard: the processor acknowledged every record of it.
    #[non_exhaustive]
    ShardEnded {
        /// The lease of the shard.
        key: LeaseKey,
        /// The epoch under which it ended.
        epoch: Epoch,
    },
    /// The store has a new checkpoint of a lease.
    #[non_exhaustive]
    CheckpointStored {
        /// The lease.
        key: LeaseKey,
        /// The epoch of the lease.
        epoch: Epoch,
        /// The new checkpoint.
        checkpoint: Checkpoint,
    },

    } };
}

pub(super) use leases;
