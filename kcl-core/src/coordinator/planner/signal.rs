//! The signals of the planner to the other parts.

use crate::coordinator::document::Assignment;

/// A signal of the planner to the other parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::coordinator) enum Signal {
    /// The planner's own assignment document changed.
    Mine(Box<Assignment>),
    /// The planner met a document of a higher term, so it is outdated.
    Outranked,
    /// The planner needs an answered beat, which shows whether the store has gone back.
    Unsure,
}
