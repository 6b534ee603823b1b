//! Why a worker ended, or did not start.

use crate::{lease::WorkerId, settings::InvalidSettings, store::StoreError, stream::SourceError};

/// Why a worker ended, or did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// The settings cannot work together.
    #[error("the settings cannot work")]
    Settings(#[from] InvalidSettings),
    /// The lease store cannot be used.
    #[error("the lease store {location} cannot be used")]
    Store {
        /// Where it is.
        location: String,
        /// What it said.
        #[source]
        source: StoreError,
    },
    /// The stream cannot be read.
    #[error("the stream cannot be read")]
    Source(#[from] SourceError),
    /// Another worker uses this one's id.
    #[error(
        "another worker uses the id {0}: give each worker an id of its own, or stop the other one"
    )]
    DuplicateWorkerId(WorkerId),
    /// The operating system gave no thread for the keeper.
    #[error("no thread for the keeper")]
    Thread(#[source] std::io::Error),
    /// The keeper ended without a word: a defect.
    #[error("the keeper ended unexpectedly")]
    KeeperGone,
}
