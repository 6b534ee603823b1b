//! What the inbox has to tell the rest of the coordinator.

use crate::coordinator::document::Assignment;

/// What the inbox has to tell the rest of the coordinator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::coordinator) enum Signal {
    /// My document was read. The next reading waits for [`super::Inbox::on_followed`].
    Came(Box<Assignment>),
}
