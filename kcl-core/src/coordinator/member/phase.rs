//! The phases of a session, in the order in which it goes through them.

use super::older::Older;
use crate::env::Time;

/// The phase of a session.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Waiting for its time: sessions that join again start spread over a heartbeat interval.
    Waiting(Time),
    /// Waiting for the description of the stream.
    Describing,
    /// Waiting for the list of sessions before registering.
    Listing,
    /// Waiting until the row is put; since when the same row is sent.
    Registering(Time),
    /// Registered, and finding out whether the application is open and reads the same stream.
    Passing,
    /// The application is closed: the session has ended or is being ended.
    Shut(Shut),
    /// Passed, and finding out whether the id is its own.
    Checking(Older),
    /// Joined: it may acquire, plan and fence.
    Live,
    /// The session has ended, or is being ended by itself.
    Over,
}

/// The state while the application is closed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shut {
    /// The command that closed the application, or why that cannot be read; as last reported.
    pub(super) by: String,
    /// Whether the end of the session was answered.
    pub(super) ended: bool,
    /// When `changing` is read next.
    pub(super) look_at: Time,
}
