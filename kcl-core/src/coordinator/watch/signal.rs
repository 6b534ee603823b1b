//! The signals of the watch to the other parts.

use crate::{
    lease::{Session, SessionId},
    store::Consistency,
};

/// A signal of the watch to the other parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::coordinator) enum Signal {
    /// All sessions were read, this consistently.
    Listed(Vec<Session>, Consistency),
    /// A session has ended; `true` if this session ended it.
    Ended(SessionId, bool),
    /// The row of a session was read.
    Seen(Session),
}
