//! What the watch has to tell the rest of the coordinator.

use crate::{
    lease::{Session, SessionId},
    store::Consistency,
};

/// What the watch has to tell the rest of the coordinator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::coordinator) enum Signal {
    /// All sessions were read, this consistently.
    Listed(Vec<Session>, Consistency),
    /// A watched session has ended; true: by my hand.
    Ended(SessionId, bool),
    /// A watched session beat, or its row changed.
    Seen(Session),
}
