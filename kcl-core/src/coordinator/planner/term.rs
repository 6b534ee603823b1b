//! Who plans, and in which term.

use crate::lease::{Epoch, SessionId};

/// A planner's term.
#[derive(Debug)]
pub(super) struct Term {
    pub(super) planner: SessionId,
    pub(super) number: Epoch,
}

impl Term {
    /// Whether a document of this term ends it: a later one does.
    pub(super) fn is_over_by(&self, other: Epoch) -> bool {
        other > self.number && !planted!(HigherTermOverwritten)
    }
}
