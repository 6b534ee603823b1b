//! The fencing token that a user passes to sinks.

use std::{fmt, sync::Arc};

use crate::lease::{Epoch, LeaseKey};

/// The fencing token of one lease under one epoch.
///
/// A worker that lost a lease may write to a sink for a moment longer, for example after a pause
/// of its machine. A sink that compares tokens closes that gap: for each `store` and `key` it keeps
/// the highest `epoch` that it has seen, and refuses a write with a lower one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fence {
    /// The store that keeps the lease. Epochs of different stores are not comparable.
    pub store: Arc<str>,
    /// The lease.
    pub key: LeaseKey,
    /// The epoch of the owner. It grows at each change of owner and is never used twice.
    pub epoch: Epoch,
}

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}@{}", self.store, self.key, self.epoch)
    }
}
