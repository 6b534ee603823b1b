//! The events about the reading of a shard.

/// Adds these events to those before them, for the next group.
macro_rules! reading {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

    /// The source answered the first read of a shard under an epoch.
    #[non_exhaustive]
    ReadingStarted {
        /// The lease.
        key: LeaseKey,
        /// The epoch of the lease.
        epoch: Epoch,
    },
    /// The source returned the end of a shard; the processor may still have records of it.
    #[non_exhaustive]
    ReadingEnded {
        /// The lease.
        key: LeaseKey,
        /// The epoch of the lease.
        epoch: Epoch,
    },
    /// The worker takes a shard for ended because the source returns no more records and the stream
    /// lists the shard as closed. No answer proved that no record is left: some may be missing.
    #[non_exhaustive]
    EndUnproven {
        /// The lease.
        key: LeaseKey,
        /// The last position that was read; `None` if none was.
        after: Option<Position>,
    },
    /// A read of a shard failed; the worker retries it.
    #[non_exhaustive]
    ReadFailed {
        /// The lease.
        key: LeaseKey,
        /// The kind of failure.
        kind: SourceErrorKind,
        /// The error.
        error: String,
        /// The error of the service or the transport; empty if there is none.
        source: String,
    },
    /// The stream answers and no read brings a record or a new position. The worker reads on, less
    /// and less often. Sent at 10 such calls in a row, at 20, at 40, and so on.
    #[non_exhaustive]
    ReadStandstill {
        /// The lease.
        key: LeaseKey,
        /// How many calls in a row.
        calls: u32,
        /// The answer of the stream, in words.
        why: String,
    },
    /// The stream trimmed records before the worker could read them. They were never delivered.
    #[non_exhaustive]
    RecordsLost {
        /// The lease.
        key: LeaseKey,
        /// The last position that was read; `None` if none was.
        from: Option<Position>,
        /// The first position that the stream still has; `None` if unknown.
        to: Option<Position>,
    },

    } };
}

pub(super) use reading;
