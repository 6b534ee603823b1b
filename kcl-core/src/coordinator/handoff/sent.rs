//! Acquires and releases whose outcome is not known yet.

use crate::lease::{Epoch, Release, SessionId};

/// An acquire under way.
#[derive(Debug)]
pub(super) struct Acquiring {
    pub(super) epoch: Epoch,
    /// Whether the plan no longer names the lease for this session: a grant starts no run.
    pub(super) cancelled: bool,
    /// The session that the plan gave the lease to meanwhile, if there is one.
    pub(super) to: Option<SessionId>,
}

/// A release that was sent and not confirmed.
#[derive(Debug)]
pub(super) struct Releasing {
    pub(super) release: Release,
    /// Whether a call is under way; else the release is repeated after the next beat.
    pub(super) in_flight: bool,
}
