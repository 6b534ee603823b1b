//! The signals of the succession to the other parts.

use crate::lease::{Epoch, SessionId};

/// A signal of the succession to the other parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::coordinator) enum Signal {
    /// This session is the planner from now on, in this term.
    Elected(Epoch),
    /// This session is the planner no more.
    Deposed,
    /// A live session that this one did not know of is the planner.
    Follows(SessionId),
    /// The planner's lease was released.
    SteppedDown,
}
