//! The phases of a session, in their order.

use super::older::Older;
use crate::env::Time;

/// How far a session has got.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Waiting until it is time to start: after a fence, the first beats are spread.
    Waiting(Time),
    /// What the stream is, is being found out.
    Describing,
    Listing,
    /// Since when the same row is sent.
    Registering(Time),
    /// Registered; whether the application is open and reads my stream is being found out.
    Passing,
    /// It is closed: the session has ended, or will have.
    Shut(Shut),
    /// Passed; whether the id is mine alone is being found out.
    Checking(Older),
    Live,
    Over,
}

/// The application is closed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shut {
    pub(super) by: String,
    /// The session that had registered has ended.
    pub(super) ended: bool,
    pub(super) look_at: Time,
}
