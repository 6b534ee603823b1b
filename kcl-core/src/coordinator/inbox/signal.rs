//! The signals of the inbox to the other parts.

use crate::coordinator::document::Assignment;

/// A signal of the inbox to the other parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::coordinator) enum Signal {
    /// The assignment document was read. The next read waits for [`super::Inbox::on_followed`].
    Came(Box<Assignment>),
}
