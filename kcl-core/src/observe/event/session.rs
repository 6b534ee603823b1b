//! The events about the session of a worker, from its beginning to its end.

/// Adds these events to those before them, for the next group.
macro_rules! sessions {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => { $next! { [$($rest)*] $($before)*

    /// This worker registered its session: the other workers see it.
    #[non_exhaustive]
    Registered {
        /// The session.
        session: SessionId,
    },
    /// Another worker ended the session of this one, which registers a new session.
    #[non_exhaustive]
    Fenced {
        /// The ended session.
        session: SessionId,
        /// How it was ended.
        reason: EndReason,
    },
    /// This worker ended the session of another worker, which was silent for too long.
    #[non_exhaustive]
    EndedDead {
        /// The ended session.
        session: SessionId,
    },
    /// Another worker uses this worker's id; this worker stops.
    #[non_exhaustive]
    DuplicateWorkerId {
        /// The session of the other worker.
        session: SessionId,
    },
    /// The store has not answered in time. The worker dispatches nothing until it answers.
    Lapsed,
    /// The store answers again. The worker goes on with the leases that it still holds.
    #[non_exhaustive]
    Revived {
        /// How many leases the worker reads again, to see whether it still holds them.
        leases: usize,
    },
    /// An operator's command has closed the application to rewrite its rows. The worker waits.
    #[non_exhaustive]
    Closed {
        /// The program that closed the application, and its reason.
        by: String,
    },
    /// The application is open again. The worker joins.
    Reopened,
    /// The worker was asked to leave. It releases its leases.
    Leaving,
    /// The worker has ended.
    #[non_exhaustive]
    Finished {
        /// How it ended.
        outcome: String,
    },

    } };
}

pub(super) use sessions;
