//! Errors of a processor and of its checkpoints.

use crate::{lease::LeaseKey, stream::Position};

/// Any error that a processor returns. The worker delivers the batch again, as the failure policy
/// ([`OnFailure`](crate::settings::OnFailure)) says.
pub type ProcessorError = Box<dyn std::error::Error + Send + Sync>;

/// The processor lost the records that it got since its last checkpoint; for example, a child
/// process buffered them and died.
///
/// The worker treats this error like a panic. It makes a new processor. With manual checkpoints it
/// delivers all records after the last checkpoint again, after a pause that grows until the failed
/// batch is processed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Forgotten(pub String);

/// Why [`LeaseHandle::checkpoint`](super::LeaseHandle::checkpoint) failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// This worker does not hold the lease any more; another worker may process the shard
    /// (`ShutdownException` in the Java KCL). The processor should stop.
    #[error("lease {0} is not held any more: its next owner goes on from the last checkpoint")]
    LeaseLost(LeaseKey),
    /// The worker has not delivered this position under this lease yet.
    #[error("position {at} was not delivered yet: the last delivered is {delivered}")]
    NotDelivered {
        /// The position of the refused checkpoint.
        at: Position,
        /// The last delivered position, in words.
        delivered: String,
    },
    /// The processor commits its checkpoints together with its effects
    /// ([`Transactional`](crate::settings::ProgressMode::Transactional)), so that the worker takes
    /// no other checkpoint.
    #[error("lease {0} takes no other checkpoints than those committed with their effects")]
    Transactional(LeaseKey),
    /// The worker ended before the store answered. The checkpoint may or may not be stored.
    #[error("the worker stopped before the checkpoint was known to be stored")]
    Stopped,
}
