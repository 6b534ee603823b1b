//! The deadlines of the handoff.

use crate::lease::LeaseKey;

/// A deadline of a lease. The handoff serves them in the order of the variants.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::coordinator) enum Due {
    /// Write the newest checkpoint of a held lease.
    Checkpoint(LeaseKey),
    /// Drop the batch of a lease whose drain has lasted too long.
    Drop(LeaseKey),
    /// Try the failed step of a shard's end again.
    End(LeaseKey),
    /// Read the row of a wanted lease, or acquire it.
    WantedLease(LeaseKey),
}
