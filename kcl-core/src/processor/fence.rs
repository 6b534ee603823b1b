//! The fencing token, for the user's own sinks.

use std::{fmt, sync::Arc};

use crate::lease::{Epoch, LeaseKey};

/// The fencing token of one lease under one epoch. Pass it to sinks that can compare it: of two
/// writes for one lease the one with the higher epoch is the newer owner's, and a sink that has
/// seen it refuses the lower one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fence {
    /// Where the lease is kept: epochs of different stores cannot be compared.
    pub store: Arc<str>,
    /// Which lease.
    pub key: LeaseKey,
    /// Grows at each change of owner, never used twice.
    pub epoch: Epoch,
}

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}@{}", self.store, self.key, self.epoch)
    }
}
