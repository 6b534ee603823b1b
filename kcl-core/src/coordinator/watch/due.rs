//! The deadlines of the watch.

use crate::lease::SessionId;

/// A deadline of the watch. The watch serves them in the order of the variants.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::coordinator) enum Due {
    /// Read all sessions.
    List,
    /// Read the row of this session.
    Look(SessionId),
    /// End this session, if that is allowed.
    End(SessionId),
}

impl Due {
    /// The session of a [`Self::Look`]; `None` for any other deadline.
    pub(in crate::coordinator) fn into_look(self) -> Option<SessionId> {
        match self {
            Self::Look(id) => Some(id),
            _ => None,
        }
    }
}
