//! The signals of the handoff to the other parts.

/// A signal of the handoff to the other parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::coordinator) enum Signal {
    /// This session's leases changed without a plan: a shard ended, a child was taken, a processor
    /// stalled.
    Changed,
    /// A live session holds a lease planned for this one, and it is not the owner that the plan
    /// names.
    Conflict,
}
