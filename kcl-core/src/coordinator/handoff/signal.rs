//! What the handoff has to tell the rest of the coordinator.

/// What the handoff has to tell the rest of the coordinator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::coordinator) enum Signal {
    /// Leases changed in a way no plan foresaw.
    Changed,
    /// A live session holds what I should, and is not the expected one.
    Conflict,
}
