//! The planner's session and its term.

use crate::lease::{Epoch, SessionId};

/// A term: the planner and the epoch of its lease `@planner`.
#[derive(Debug)]
pub(super) struct Term {
    /// The planner's session.
    pub(super) planner: SessionId,
    /// The epoch of `@planner` under which it plans.
    pub(super) number: Epoch,
}

impl Term {
    /// Whether a document of the term `other` ends this term: a later one does.
    pub(super) fn is_over_by(&self, other: Epoch) -> bool {
        other > self.number && !planted!(HigherTermOverwritten)
    }
}
