//! The signals of the member to the other parts.

use crate::{lease::EndReason, stream::StreamName};

/// A signal of the member to the other parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::coordinator) enum Signal {
    /// The session is live: registered, passed, and the only one of its id.
    Joined,
    /// Another session raised the mailbox.
    Woken,
    /// The validity passed without an answered beat.
    Lapsed,
    /// A beat was answered after a lapse.
    Revived,
    /// No attempt to register was answered for a session timeout; nobody knows whether the session
    /// exists.
    Unheard,
    /// Another session ended this one.
    Fenced(EndReason),
    /// The store's generation changed.
    WentBack,
    /// The application was closed, and is open again.
    Reopened,
    /// The application reads another stream, which has a live reader.
    OtherStream { reads: Option<StreamName>, wanted: StreamName },
    /// The store's generation changed, and the new history has no row of this session.
    Vanished,
    /// The session ended itself, as the last step of leaving.
    Left,
    /// Another live session uses this worker's id.
    Duplicate,
}
