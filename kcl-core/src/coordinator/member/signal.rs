//! What became of the member, for the rest of the coordinator.

use crate::{lease::EndReason, stream::StreamName};

/// What became of the member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::coordinator) enum Signal {
    /// The session is registered and its id is mine alone.
    Joined,
    /// Somebody raised the mailbox.
    Woken,
    /// The deadline passed without an answered beat.
    Lapsed,
    /// A beat was answered after a lapse.
    Revived,
    /// Nobody knows what became of the session: no attempt to register it was answered in time.
    Unheard,
    /// The session was ended by others.
    Fenced(EndReason),
    /// The store's history changed.
    WentBack,
    /// The application was closed, and is open again.
    Reopened,
    /// The application reads another stream, and who reads it lives.
    OtherStream { reads: Option<StreamName>, wanted: StreamName },
    /// The store's history changed, and the session's row is not in the new one.
    Vanished,
    /// The session ended itself, as it was asked to.
    Left,
    /// A newer session of my id lives.
    Duplicate,
}
