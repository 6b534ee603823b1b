//! Why a worker ended, or did not start.

use crate::{
    env::WallTime,
    lease::WorkerId,
    settings::InvalidSettings,
    store::StoreError,
    stream::{SourceError, StreamName},
};

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
    /// The application reads another stream.
    #[error(
        "the application whose leases are in {location} reads {}, and this worker was started for \
         the stream {wanted}: give the worker an application name of its own to read both streams, \
         or stop all workers that read the other one to change streams",
        .reads.as_ref().map_or_else(
            || "a stream that its workers do not name".to_owned(),
            |reads| format!("the stream {reads}"),
        )
    )]
    OtherStream {
        /// Where the leases are.
        location: String,
        /// The stream that the application reads, where known.
        reads: Option<StreamName>,
        /// The stream that this worker was started for.
        wanted: StreamName,
    },
    /// Reading was to start at a time that is still to come.
    #[error(
        "the initial position {at} is later than the stream's own clock, which shows {now}: give a \
         time in the past, or `latest` to read from now on"
    )]
    StartAhead {
        /// Where reading was to start.
        at: WallTime,
        /// The stream's own clock.
        now: WallTime,
    },
    /// The worker is not to run without placement rules, and there are none.
    #[error(
        "there are no placement rules in {location}, and this worker has none of its own: a manual \
         assignment needs some. Give it a mapping (SHARD_MAPPING, --mapping-file, \
         `consumer: {{shard_mapping: {{…}}}}`), or set rules with `kcl placement set`"
    )]
    NoPlacementRules {
        /// Where the leases are.
        location: String,
    },
    /// The operating system gave no thread for the keeper.
    #[error("no thread for the keeper")]
    Thread(#[source] std::io::Error),
    /// The keeper ended without a word: a defect.
    #[error("the keeper ended unexpectedly")]
    KeeperGone,
}
