//! Acquires and releases whose outcome is not known yet.

use crate::lease::{Epoch, Release, SessionId};

/// An acquire under way.
#[derive(Debug)]
pub(super) struct Acquiring {
    pub(super) epoch: Epoch,
    /// The plan has given the lease to somebody else since: a success starts nothing.
    pub(super) cancelled: bool,
    /// To whom.
    pub(super) to: Option<SessionId>,
}

/// A release that has been sent.
#[derive(Debug)]
pub(super) struct Releasing {
    pub(super) release: Release,
    pub(super) in_flight: bool,
}
