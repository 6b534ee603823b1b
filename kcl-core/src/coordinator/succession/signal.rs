//! What the succession has to tell the rest of the coordinator.

use crate::lease::{Epoch, SessionId};

/// What the succession has to tell the rest of the coordinator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::coordinator) enum Signal {
    /// I plan from now on, in this term.
    Elected(Epoch),
    /// Somebody else plans, or nobody does.
    Deposed,
    /// A live session plans that I did not know of.
    Follows(SessionId),
    /// The planner's lease is given back.
    SteppedDown,
}
