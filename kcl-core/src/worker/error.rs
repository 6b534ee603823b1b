//! The errors with which a worker ends or does not start.

use crate::{
    env::WallTime,
    lease::WorkerId,
    settings::InvalidSettings,
    store::StoreError,
    stream::{SourceError, StreamName},
};

/// Why [`super::WorkerBuilder::build`] made no worker, or [`super::Worker::run`] ended.
///
/// An outage or a rate limit of the store or the stream ends no worker: the worker retries.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// A setting has an impossible value, or two settings contradict each other.
    #[error("the settings cannot work")]
    Settings(#[from] InvalidSettings),
    /// [`LeaseStore::prepare`](crate::store::LeaseStore::prepare) failed with an error that is not
    /// worth a retry.
    #[error("the lease store {location} cannot be used")]
    Store {
        /// Where the store is, without secrets.
        location: String,
        /// The store's own error.
        #[source]
        source: StoreError,
    },
    /// The source could not describe or prepare its stream, with an error that is not worth a
    /// retry.
    #[error("the stream cannot be read")]
    Source(#[from] SourceError),
    /// Another live worker uses the id of this worker.
    #[error(
        "another worker uses the id {0}: give each worker an id of its own, or stop the other one"
    )]
    DuplicateWorkerId(WorkerId),
    /// The application's other workers read another stream.
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
        /// The stream that the application reads; `None` if its workers do not name it.
        reads: Option<StreamName>,
        /// The stream that this worker was started for.
        wanted: StreamName,
    },
    /// The initial position is a time in the future.
    #[error(
        "the initial position {at} is later than the stream's own clock, which shows {now}: give a \
         time in the past, or `latest` to read from now on"
    )]
    StartAhead {
        /// The initial position from the settings.
        at: WallTime,
        /// The time on the stream's own clock when the worker compared it.
        now: WallTime,
    },
    /// The worker was built with [`super::WorkerBuilder::needs_placement_rules`], declares none
    /// itself, and the store holds none.
    #[error(
        "there are no placement rules in {location}, and this worker has none of its own: a manual \
         assignment needs some. Give it a mapping (SHARD_MAPPING, --mapping-file, \
         `consumer: {{shard_mapping: {{…}}}}`), or set rules with `kcl placement set`"
    )]
    NoPlacementRules {
        /// Where the leases are.
        location: String,
    },
    /// The operating system refused a thread or a runtime for the keeper.
    #[error("no thread for the keeper")]
    Thread(#[source] std::io::Error),
    /// The keeper ended without an outcome. This is a defect of the library.
    #[error("the keeper ended unexpectedly")]
    KeeperGone,
}
