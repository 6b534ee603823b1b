//! What the handoff waits for.

use crate::lease::LeaseKey;

/// What is due of a lease, in the order in which it is done.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::coordinator) enum Due {
    /// The newest checkpoint of a held one is to be written.
    Checkpoint(LeaseKey),
    /// The batch of one that is given away is to be dropped.
    Drop(LeaseKey),
    /// The step of its shard's end that failed is to be tried again.
    End(LeaseKey),
    /// The row of a wanted one is to be looked at.
    WantedLease(LeaseKey),
}
