//! The events about what processors do with records, and what becomes of a shard by that.

/// Adds these events to those before them, for the next group.
macro_rules! processing {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

    /// The processor failed on a batch; the worker delivers it again.
    #[non_exhaustive]
    BatchFailed {
        /// The lease.
        key: LeaseKey,
        /// How often the worker has delivered the batch.
        attempt: u32,
        /// How many records the batch has.
        records: usize,
        /// The processor's error.
        error: String,
    },
    /// The worker skipped a record, as the failure policy or the operator says.
    #[non_exhaustive]
    RecordSkipped {
        /// The lease.
        key: LeaseKey,
        /// The position of the record.
        at: Position,
        /// The processor's last error.
        error: String,
    },
    /// The dead-letter sink failed; the worker tries again before it skips the record.
    #[non_exhaustive]
    DeadLetterFailed {
        /// The lease.
        key: LeaseKey,
        /// The sink's error.
        error: String,
    },
    /// A processor's `start` failed; the worker calls it again.
    #[non_exhaustive]
    ProcessorStartFailed {
        /// The lease.
        key: LeaseKey,
        /// The processor's error.
        error: String,
    },
    /// A processor did not acknowledge the end of its shard; the worker asks again.
    #[non_exhaustive]
    ProcessorEndFailed {
        /// The lease.
        key: LeaseKey,
        /// The processor's error.
        error: String,
    },
    /// A processor's `stop` failed; the worker does not call it again.
    #[non_exhaustive]
    ProcessorStopFailed {
        /// The lease.
        key: LeaseKey,
        /// The processor's error.
        error: String,
    },
    /// A processor panicked; the worker makes a new one and delivers the batch again.
    #[non_exhaustive]
    ProcessorPanicked {
        /// The lease.
        key: LeaseKey,
        /// The panic's message.
        message: String,
    },
    /// A processor works on one batch for longer than the setting `watchdog`.
    #[non_exhaustive]
    ProcessorStalled {
        /// The lease.
        key: LeaseKey,
        /// For how long it has worked on the batch.
        since: Duration,
    },
    /// A processor with manual checkpoints panicked: all records since the last one come again.
    #[non_exhaustive]
    RunRewound {
        /// The lease.
        key: LeaseKey,
        /// Where reading goes on; `None` if unknown.
        to: Option<StartAt>,
    },
    /// The user's factory, source or dead-letter sink panicked outside of a batch. The worker gives
    /// the lease back, to another worker if there is one.
    #[non_exhaustive]
    RunBroken {
        /// The lease.
        key: LeaseKey,
        /// The panic's message.
        why: String,
    },
    /// The worker stopped reading a shard until it ends, as the settings say for failures.
    #[non_exhaustive]
    ShardStopped {
        /// The lease of the shard.
        key: LeaseKey,
        /// Why it stopped.
        reason: String,
    },
    /// The worker could not list the child shards of an ended shard; it tries again.
    #[non_exhaustive]
    ChildrenUnknown {
        /// The lease of the ended shard.
        key: LeaseKey,
        /// The source's error.
        error: String,
    },

    } };
}

pub(super) use processing;
