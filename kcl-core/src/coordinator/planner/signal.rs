//! What the planner has to tell the rest of the coordinator.

use crate::coordinator::document::Assignment;

/// What the planner has to tell the rest of the coordinator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::coordinator) enum Signal {
    /// My own document changed.
    Mine(Box<Assignment>),
    /// A document of a higher term was met.
    Outranked,
    /// A beat is to show whether the store has gone back.
    Unsure,
}
