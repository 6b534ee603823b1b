//! What can go wrong in and around a processor.

use crate::{lease::LeaseKey, stream::Position};

/// Whatever a processor reports. The batch is delivered again, by the failure policy.
pub type ProcessorError = Box<dyn std::error::Error + Send + Sync>;

/// A failure with which a processor lost what it had been given since its last checkpoint: a child
/// process that buffered it and died, say.
///
/// Returned by a processor, it counts as a panic does: the processor is made anew, and with manual
/// checkpoints everything since the last one is delivered again, after a pause that grows until the
/// batch that failed is processed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Forgotten(pub String);

/// Why a checkpoint was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The lease is not held any more: somebody else works on the shard (`ShutdownException` in
    /// the Java KCL).
    #[error("lease {0} is not held any more: its next owner goes on from the last checkpoint")]
    LeaseLost(LeaseKey),
    /// The position was not delivered to this processor under this lease.
    #[error("position {at} was not delivered yet: the last delivered is {delivered}")]
    NotDelivered {
        /// The position asked for.
        at: Position,
        /// The last position delivered.
        delivered: String,
    },
    /// The processor commits its checkpoints with its effects: any other would separate the two.
    #[error("lease {0} takes no other checkpoints than those committed with their effects")]
    Transactional(LeaseKey),
    /// The worker stopped before the store answered: the checkpoint may or may not be stored.
    #[error("the worker stopped before the checkpoint was known to be stored")]
    Stopped,
}
