//! The events about the stream and the store as a whole.

/// Adds these events to those before them, for the next group.
macro_rules! surroundings {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

    /// The coordinator got an error in place of the stream's description or list of shards.
    #[non_exhaustive]
    StreamTrouble {
        /// The kind of failure.
        kind: SourceErrorKind,
    },
    /// The worker could not describe the stream; it tries again.
    #[non_exhaustive]
    StreamUnknown {
        /// The error.
        error: String,
        /// The error of the service or the transport; empty if there is none.
        source: String,
    },
    /// The worker could not list the shards of the stream; it tries again.
    #[non_exhaustive]
    ShardsUnknown {
        /// The error.
        error: String,
        /// The error of the service or the transport; empty if there is none.
        source: String,
    },
    /// The stream was deleted and created again.
    StreamRemade,
    /// The application reads another stream; the worker checks whether others still read that one.
    #[non_exhaustive]
    StreamDiffers {
        /// The stream that the store names; `None` if it names none.
        reads: Option<StreamName>,
        /// The stream that this worker reads.
        wanted: StreamName,
    },
    /// The stored start of the stream differs from the settings. The stored one holds. Sent once.
    #[non_exhaustive]
    StartDiffers {
        /// The stream.
        stream: StreamKey,
        /// The time at which reading began; `None` means the oldest record.
        at: Option<WallTime>,
        /// The setting by which reading began; `None` if unknown.
        by: Option<InitialPosition>,
        /// The setting of this worker.
        wanted: InitialPosition,
    },
    /// The store is not usable yet, or not any more; the worker prepares it again.
    #[non_exhaustive]
    StoreUnprepared {
        /// The error.
        error: String,
        /// The error of the store or the transport; empty if there is none.
        source: String,
    },
    /// The store's table or schema had been deleted and exists again. The workers write again what
    /// they know of their leases.
    #[non_exhaustive]
    StoreRemade {
        /// Where the store is.
        store: String,
    },
    /// The store lost its last writes, or may have lost them. Lease owners write them again.
    StoreWentBack,
    /// The store pushes no wake-ups for now; the worker polls them meanwhile.
    #[non_exhaustive]
    WakeupsBroken {
        /// The store's error.
        error: String,
    },

    } };
}

pub(super) use surroundings;
