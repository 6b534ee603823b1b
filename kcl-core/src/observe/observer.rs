//! What an observer is told, and about whom.

use std::{sync::Arc, time::Duration};

use super::event::WorkerEvent;
use crate::{
    env::{Time, WallTime},
    lease::{LeaseKey, WorkerId},
    processor::RecordBatch,
    store::StoreError,
    stream::{Position, ShardId, SourceError},
};

/// Watches a worker: hung in by [`crate::worker::WorkerBuilder::observer`], as often as you like.
///
/// Every method does nothing by default; write those that you need.
///
/// # What an observer must not do
/// It is called in the midst of the work, outside of locks, on whatever thread the work is done on:
/// the keeper's own for store calls and the worker's part in the fleet, the runtime's for reads and
/// batches. So it **must not block**: no lock that is held for long, no I/O, no waiting. One that
/// blocks the keeper's thread costs the worker its leases. Count, or send to a task of yours.
///
/// # Panics
/// A panic of an observer is caught and ends nothing; what it was told is not told again. Others
/// are told all the same.
pub trait Observer: Send + Sync + 'static {
    /// Something happened.
    fn event(&self, about: &Subject, event: &WorkerEvent) {
        let _ = (about, event);
    }

    /// The keeper, which keeps the worker's part in the fleet, has come round once more. That it
    /// does depends neither on the store nor on the stream.
    fn keeper_turn(&self, about: &Subject, turn: &KeeperTurn) {
        let _ = (about, turn);
    }

    /// A call to the lease store has ended. A listing of several pages is a call a page.
    fn store_call(&self, about: &Subject, call: &StoreCallEnded<'_>) {
        let _ = (about, call);
    }

    /// A call to the stream has ended.
    fn source_call(&self, about: &Subject, call: &SourceCallEnded<'_>) {
        let _ = (about, call);
    }

    /// A batch is given to the processor.
    fn batch_begins(&self, about: &Subject, batch: &RecordBatch) {
        let _ = (about, batch);
    }

    /// The processor has a batch no longer.
    fn batch(&self, about: &Subject, batch: &BatchEnded<'_>) {
        let _ = (about, batch);
    }
}

/// Whom something is about: what a metric has for labels. What is `None` does not apply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subject {
    /// The application.
    pub application: Arc<str>,
    /// The worker; a command that rewrites leases is none.
    pub worker: Option<WorkerId>,
    /// The plain name of the stream.
    pub stream: Option<Arc<str>>,
    /// The shard.
    pub shard: Option<ShardId>,
    /// The lease of the shard: its key tells the lives of a stream apart.
    pub lease: Option<LeaseKey>,
}

impl Subject {
    /// An application, and a worker if it is one.
    pub(super) const fn new(application: Arc<str>, worker: Option<WorkerId>) -> Self {
        Self { application, worker, stream: None, shard: None, lease: None }
    }

    /// One of its leases.
    pub(super) fn of_lease(&self, key: &LeaseKey) -> Self {
        Self {
            stream: key.stream().map(|stream| stream.name),
            shard: key.shard(),
            lease: Some(key.clone()),
            ..self.clone()
        }
    }
}

/// The keeper has come round once more, and waits for whatever comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeeperTurn {
    /// When it comes round again at the latest, on the worker's clock. [`Time::NEVER`]: nothing is
    /// due by itself, it waits for an answer.
    pub next: Time,
    /// How much later than it wanted to it came round, where only a time had to come: a thread that
    /// gets no processor, or a machine that stood still.
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
    /// It was answered, and if it was a write, that was applied.
    Done,
    /// Its condition did not hold: a lost compare-and-set is an answer.
    Refused,
    /// The store said that it failed.
    Failed(&'a StoreError),
    /// It was not answered within this time: a write may have been applied.
    TimedOut(Duration),
    /// Nobody waits for the answer any more: the worker is over, or had no more use for it.
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
    /// How long it took. A `next` waits while there is nothing to read, and keeps to the service's
    /// rate limits: this is not the time that one request took.
    pub took: Duration,
    /// Of `next`: how many records it brought.
    pub records: usize,
    /// Of `next`: their payload, in bytes.
    pub bytes: u64,
    /// Of `next`: how far behind the newest record the source says that its answer is, in
    /// milliseconds. `None` if it did not say: that is not zero.
    pub millis_behind: Option<u64>,
    /// Of `next`: when the last of the records arrived at the stream, by the stream's clock.
    pub last_arrival: Option<WallTime>,
}

impl SourceCallEnded<'_> {
    /// Whether a `next` was answered that there is nothing.
    #[must_use]
    pub fn is_empty_answer(&self) -> bool {
        self.op == "next" && self.records == 0 && matches!(self.end, SourceCallEnd::Done)
    }
}

/// How a call to the stream ended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum SourceCallEnd<'a> {
    /// It was answered; a `next` with records, or with none.
    Done,
    /// Records are gone before they could be read.
    Lost,
    /// Reading gets nowhere.
    Standstill,
    /// The shard has ended.
    ShardEnded,
    /// The source said that it failed.
    Failed(&'a SourceError),
    /// Nobody waits for the answer any more: the lease or the worker is over.
    Abandoned,
    /// The source's code panicked.
    Panicked,
}

/// A batch that the processor has no longer.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct BatchEnded<'a> {
    /// What became of it.
    pub end: BatchEnd<'a>,
    /// How long the processor had it.
    pub took: Duration,
    /// How long ago, by the wall clock, its last record had arrived at the stream when it was
    /// processed; of one that was, where that is known.
    pub lag: Option<Duration>,
    pub(crate) batch: &'a RecordBatch,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BatchEnd<'a> {
    /// It is processed.
    Done,
    /// The processor said that it failed.
    Failed(&'a str),
    /// The processor panicked.
    Panicked(&'a str),
    /// It was dropped in the midst of its processing: the lease moves or is lost, or the session
    /// is not valid. Its records come again, here or elsewhere.
    Dropped,
}

impl BatchEnded<'_> {
    /// How many records.
    #[must_use]
    pub fn records(&self) -> usize {
        self.batch.len()
    }

    /// Their payload, in bytes. Looks at each record.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.batch.iter().map(|record| record.data.len() as u64).sum()
    }

    /// The position of the last record.
    #[must_use]
    pub fn last_position(&self) -> Option<&Position> {
        self.batch.last_position()
    }

    /// How far behind the newest record the source said that the batch is, in milliseconds.
    #[must_use]
    pub fn millis_behind(&self) -> Option<u64> {
        self.batch.millis_behind()
    }
}
