//! The trait of an observer, and the facts that it receives.

use std::{sync::Arc, time::Duration};

use super::event::WorkerEvent;
use crate::{
    env::{Time, WallTime},
    lease::{LeaseKey, WorkerId},
    processor::RecordBatch,
    store::StoreError,
    stream::{Position, ShardId, SourceError},
};

/// Watches a worker. [`crate::worker::WorkerBuilder::observer`] adds one, and may add several.
///
/// Every method does nothing by default.
///
/// # What an observer must not do
/// The worker calls an observer on the thread that does the work, without holding a lock: on the
/// keeper's thread for store calls and coordination, on the user's runtime for reads and batches.
/// An observer **must not block**: no I/O, no waiting, no lock that others hold for long. An
/// observer that blocks the keeper's thread costs the worker its leases. Count, or send to a task
/// of yours.
///
/// # Panics
/// The worker catches a panic of an observer and goes on. It does not repeat that call. Other
/// observers get the call.
pub trait Observer: Send + Sync + 'static {
    /// An event happened.
    fn event(&self, about: &Subject, event: &WorkerEvent) {
        let _ = (about, event);
    }

    /// The keeper's loop has begun another turn. The turns go on while the store or the stream is
    /// down, so that they show whether the worker itself lives.
    fn keeper_turn(&self, about: &Subject, turn: &KeeperTurn) {
        let _ = (about, turn);
    }

    /// A call to the lease store has ended. Each page of a listing is a call.
    fn store_call(&self, about: &Subject, call: &StoreCallEnded<'_>) {
        let _ = (about, call);
    }

    /// A call to the stream has ended.
    fn source_call(&self, about: &Subject, call: &SourceCallEnded<'_>) {
        let _ = (about, call);
    }

    /// The worker gives a batch to the processor.
    fn batch_begins(&self, about: &Subject, batch: &RecordBatch) {
        let _ = (about, batch);
    }

    /// The processor has finished a batch, or the worker has dropped its future.
    fn batch(&self, about: &Subject, batch: &BatchEnded<'_>) {
        let _ = (about, batch);
    }
}

/// The application, worker and shard that a fact is about; the labels of a metric. A field that
/// does not apply is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subject {
    /// The application.
    pub application: Arc<str>,
    /// The worker. `None` for a command that rewrites leases.
    pub worker: Option<WorkerId>,
    /// The plain name of the stream.
    pub stream: Option<Arc<str>>,
    /// The shard.
    pub shard: Option<ShardId>,
    /// The lease of the shard. Its key differs between the lives of a stream.
    pub lease: Option<LeaseKey>,
}

impl Subject {
    /// The subject of facts about a whole worker, or about a command.
    pub(super) const fn new(application: Arc<str>, worker: Option<WorkerId>) -> Self {
        Self { application, worker, stream: None, shard: None, lease: None }
    }

    /// The subject of facts about one lease of this worker.
    pub(super) fn of_lease(&self, key: &LeaseKey) -> Self {
        Self {
            stream: key.stream().map(|stream| stream.name),
            shard: key.shard(),
            lease: Some(key.clone()),
            ..self.clone()
        }
    }
}

/// One turn of the keeper's loop, at the moment when it begins to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeeperTurn {
    /// When the next turn begins at the latest, on the worker's clock. [`Time::NEVER`] means that
    /// the keeper waits only for an answer or an event.
    pub next: Time,
    /// How late this turn began, if it waited for a time. A high value shows that the thread got no
    /// CPU, or that the machine was suspended.
    pub late: Duration,
}

/// A call to the lease store that has ended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StoreCallEnded<'a> {
    /// The operation, as [`crate::store::LeaseStore`] names it: `beat`, `acquire`, …
    pub op: &'static str,
    /// How it ended.
    pub end: StoreCallEnd<'a>,
    /// How long it took.
    pub took: Duration,
}

/// How a call to the lease store ended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum StoreCallEnd<'a> {
    /// The store answered, and applied the write if it was one.
    Done,
    /// The condition of a write did not hold. This is an answer, not a failure.
    Refused,
    /// The store returned an error.
    Failed(&'a StoreError),
    /// The store did not answer within this time. It may have applied a write.
    TimedOut(Duration),
    /// The worker dropped the call because it ended or did not need the answer any more.
    Abandoned,
    /// The store's code panicked.
    Panicked,
}

/// A call to the stream that has ended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SourceCallEnded<'a> {
    /// The operation, as [`crate::stream::StreamSource`] and [`crate::stream::ShardReader`] name
    /// it: `describe`, `shards`, `open`, `next`.
    pub op: &'static str,
    /// How it ended.
    pub end: SourceCallEnd<'a>,
    /// How long it took. A `next` includes the wait for records and for the rate limits of the
    /// service, so that this is not the time of one request.
    pub took: Duration,
    /// For `next`: the number of records in the answer.
    pub records: usize,
    /// For `next`: the bytes of their payloads.
    pub bytes: u64,
    /// For `next`: how far the answer is behind the newest record, in milliseconds, as the source
    /// says. `None` if the source did not say, which does not mean zero.
    pub millis_behind: Option<u64>,
    /// For `next`: when the last of the records arrived at the stream, on the stream's clock.
    pub last_arrival: Option<WallTime>,
}

impl SourceCallEnded<'_> {
    /// Whether this is a `next` whose answer had no records.
    #[must_use]
    pub fn is_empty_answer(&self) -> bool {
        self.op == "next" && self.records == 0 && matches!(self.end, SourceCallEnd::Done)
    }
}

/// How a call to the stream ended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum SourceCallEnd<'a> {
    /// The source answered. A `next` returned a batch, which may be empty.
    Done,
    /// A `next` returned [`ReadEvent::Lost`](crate::stream::ReadEvent::Lost).
    Lost,
    /// A `next` returned [`ReadEvent::Standstill`](crate::stream::ReadEvent::Standstill).
    Standstill,
    /// A `next` returned [`ReadEvent::End`](crate::stream::ReadEvent::End).
    ShardEnded,
    /// The source returned an error.
    Failed(&'a SourceError),
    /// The worker dropped the call because it lost the lease or ended.
    Abandoned,
    /// The source's code panicked.
    Panicked,
}

/// A batch whose processing has ended, in one way or another.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct BatchEnded<'a> {
    /// How the processing ended.
    pub end: BatchEnd<'a>,
    /// How long the processor worked on the batch.
    pub took: Duration,
    /// The age of the last record by the wall clock when the processing ended: the time since its
    /// arrival at the stream. `None` if the batch was not processed or the arrival is unknown.
    pub lag: Option<Duration>,
    pub(crate) batch: &'a RecordBatch,
}

/// How the processing of a batch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BatchEnd<'a> {
    /// The processor returned `Ok`.
    Done,
    /// The processor returned an error, with this text.
    Failed(&'a str),
    /// The processor panicked with this message.
    Panicked(&'a str),
    /// The worker dropped the processor's future: the lease moves or is lost, or the session is not
    /// valid. The records are delivered again, by this worker or by another.
    Dropped,
}

impl BatchEnded<'_> {
    /// The number of records in the batch.
    #[must_use]
    pub fn records(&self) -> usize {
        self.batch.len()
    }

    /// The bytes of their payloads. The call visits each record.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.batch.iter().map(|record| record.data.len() as u64).sum()
    }

    /// The position of the last record.
    #[must_use]
    pub fn last_position(&self) -> Option<&Position> {
        self.batch.last_position()
    }

    /// How far the batch was behind the newest record, in milliseconds, as the source said.
    #[must_use]
    pub fn millis_behind(&self) -> Option<u64> {
        self.batch.millis_behind()
    }
}
