//! What the watch waits for.

use crate::lease::SessionId;

/// What is due of watching the sessions, in the order in which it is done.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::coordinator) enum Due {
    /// All sessions are to be read.
    List,
    /// This one is to be looked at.
    Look(SessionId),
    /// This one is to be ended, if it may be.
    End(SessionId),
}

impl Due {
    /// Who is to be looked at, if that is what is due.
    pub(in crate::coordinator) fn into_look(self) -> Option<SessionId> {
        match self {
            Self::Look(id) => Some(id),
            _ => None,
        }
    }
}
