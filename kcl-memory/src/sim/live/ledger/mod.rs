//! What is true of a run, kept outside the code under test: what was put, delivered, acknowledged
//! and written.
//!
//! The wrappers in `fleet`, and the sink, call a [`Book`] at each delivery, acknowledgement and
//! effect. The ledger looks up what was put, and tells the oracle a `Fact`: it judges nothing
//! itself. It keeps the first [`Violation`]. Only two violations come from elsewhere: a test's own
//! expectation that does not hold, and settings of which no worker can be made. The log keeps a
//! line for each thing that happened: for the story of a record, and for the digest by which two
//! runs of one plan are compared.

mod delivery;
mod effects;
mod finish;
mod log;
mod shard;
mod tenancy;
mod violation;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use kcl_core::{
    env::Time,
    lease::Epoch,
    stream::{Position, Record, Shard, ShardId},
};
use tokio::time::Instant;

pub(super) use self::{
    delivery::Ended,
    violation::{Place, Violation},
};
use self::{
    log::Log,
    shard::{RecordBook, ShardBook},
    tenancy::Tenancy,
};
pub use violation::Broken;

use crate::sim::{fact::Fact, invariant::Excuse, invariants, oracle::Oracle};

/// What a test holds a run to.
#[derive(Clone)]
pub(super) struct Expected {
    pub(super) order: Order,
    pub(super) exactly_once: bool,
    pub(super) no_stale_writes: bool,
    /// Which records have to have an effect.
    pub(super) matters: Arc<dyn Fn(&Record) -> bool + Send + Sync>,
    /// A batch is processed when the processor says so, and not before: nothing else sets
    /// checkpoints.
    pub(super) acknowledged_by_batch: bool,
    /// Checkpoints are the processor's own affair.
    pub(super) manual: bool,
    /// Bytes a worker may have read and not processed.
    pub(super) byte_budget: usize,
}

/// In which order records have their first effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// As in the shard, children after parents.
    Shard,
    /// The same, for records of one partition key.
    Key,
    Any,
}

/// What is true of one run. Clones are the same book.
#[derive(Clone)]
pub(super) struct Book(Arc<Mutex<Ledger>>);

/// The pages of a [`Book`].
pub(super) struct Ledger {
    /// When the run began, on the runtime's paused clock.
    started: Instant,
    pub(super) expected: Expected,
    shards: BTreeMap<ShardId, ShardBook>,
    /// Where each record is, by its position.
    places: BTreeMap<Position, Place>,
    /// Where each record is, in the order in which they were put.
    numbers: Vec<Place>,
    /// By process, shard and epoch.
    tenancies: BTreeMap<(String, ShardId, Epoch), Tenancy>,
    /// Bytes read and not processed, by process and shard.
    unprocessed: BTreeMap<(String, ShardId), usize>,
    /// Bytes of the largest record that was put: a worker may exceed its budget by so much
    /// for each shard.
    largest_record: usize,
    /// Judges all that the ledger tells it, by the invariants of whole workers.
    oracle: Oracle,
    log: Log,
    /// The first violation; later ones may follow from it and are dropped.
    violation: Option<Violation>,
}

impl Book {
    /// An empty book of a run that starts now.
    pub(super) fn new(expected: Expected, planned: bool) -> Self {
        let (once, fresh) = (expected.exactly_once, expected.no_stale_writes);
        let mut oracle = Oracle::of(invariants::of_whole_workers(once, fresh), 0);
        // Where the processor sets checkpoints by itself, acknowledging says nothing.
        if !(planned && expected.acknowledged_by_batch) {
            oracle.excuse(Excuse::Repeats);
        }
        Self(Arc::new(Mutex::new(Ledger {
            started: Instant::now(),
            expected,
            shards: BTreeMap::new(),
            places: BTreeMap::new(),
            numbers: Vec::new(),
            tenancies: BTreeMap::new(),
            unprocessed: BTreeMap::new(),
            largest_record: 0,
            oracle,
            log: Log::default(),
            violation: None,
        })))
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger {
    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// From now on two workers may be given records of one shard at once, and again.
    pub(super) fn allow_overlap(&mut self) {
        self.oracle.excuse(Excuse::Overlap);
        self.oracle.excuse(Excuse::Repeats);
    }

    /// Something happened to `who`, or to everybody if that is empty.
    pub(super) fn note(&mut self, who: &str, text: impl Into<String>) {
        let now = self.now();
        self.log.note(now, who, text.into());
    }

    /// The stream has these shards.
    pub(super) fn know_shards(&mut self, shards: Vec<Shard>) {
        for shard in shards {
            let book = self.shards.entry(shard.id).or_default();
            (book.parents, book.closed) = (shard.parents, shard.closed);
        }
    }

    /// A record was put.
    pub(super) fn put(&mut self, shard: &ShardId, record: &Record) {
        let Some(book) = self.shards.get_mut(shard) else { return };
        let number = u64::try_from(self.numbers.len()).unwrap_or(u64::MAX);
        let matters = (self.expected.matters)(record);
        let place = (shard.clone(), book.records.len());
        book.records.push(RecordBook::new(number, record, matters));
        self.numbers.push(place.clone());
        self.places.insert(record.position.clone(), place.clone());
        self.largest_record = self.largest_record.max(record.weight());
        let now = self.now();
        let about = (shard, place.1..place.1 + 1);
        self.log.note_records(now, "", about, format!("record {number} is put into {shard}"));
    }

    /// The stream drops all but the newest `keep` records of a shard.
    pub(super) fn trimmed(&mut self, shard: &ShardId, keep: usize) {
        let now = self.now();
        let Some(book) = self.shards.get_mut(shard) else { return };
        let until = book.records.len().saturating_sub(keep);
        if until <= book.trimmed {
            return;
        }
        let dropped = book.trimmed..until;
        book.trimmed = until;
        let text = format!("the stream drops {} records of {shard}", dropped.len());
        self.log.note_records(now, "", (shard, dropped), text);
    }

    /// How many records were put.
    pub(super) fn count(&self) -> u64 {
        u64::try_from(self.numbers.len()).unwrap_or(u64::MAX)
    }

    /// Where a record is.
    pub(super) fn place(&self, position: &Position) -> Option<Place> {
        self.places.get(position).cloned()
    }

    /// Where the record is that was put after so many others.
    pub(super) fn place_of_number(&self, number: u64) -> Option<Place> {
        self.numbers.get(usize::try_from(number).ok()?).cloned()
    }

    fn record(&self, (shard, n): &Place) -> Option<&RecordBook> {
        self.shards.get(shard)?.records.get(*n)
    }

    /// What records are called in messages.
    fn name(&self, place: &Place) -> String {
        self.record(place).map_or_else(String::new, |record| {
            format!("record {} ({}, sequence number {})", record.number, place.0, record.position)
        })
    }

    /// The numbers of records of one shard.
    fn names(&self, shard: &ShardId, from: usize, to: usize) -> String {
        let number = |n| self.record(&(shard.clone(), n)).map_or(0, |record| record.number);
        match to - from {
            0 => format!("record {}", number(from)),
            1 => format!("records {} and {}", number(from), number(to)),
            more => format!("{} records from {} to {}", more + 1, number(from), number(to)),
        }
    }

    /// Tells the oracle a fact. What that breaks is told with the stories of the records that it is
    /// about, by the invariant that is broken.
    fn learn(&mut self, fact: &Fact<'_>, about: impl FnOnce(&str) -> Vec<Place>) {
        let now = Time::from_micros(u64::try_from(self.now().as_micros()).unwrap_or(u64::MAX));
        if let Err(violation) = self.oracle.learn(now, fact) {
            let about = about(violation.invariant);
            self.violate(Broken::by(violation.invariant), violation.what, about);
        }
    }

    /// Something that must not happen has happened. Only the first counts: it may explain the
    /// others.
    pub(super) fn violate(&mut self, broken: Broken, what: impl Into<String>, about: Vec<Place>) {
        if self.violation.is_none() {
            let what = what.into();
            self.note("", format!("VIOLATION: {what}"));
            self.violation = Some(Violation { broken, what, about });
        }
    }

    pub(super) fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// What happened to some records.
    pub(super) fn story(&self, places: &[Place]) -> Vec<String> {
        self.log.story(places)
    }

    /// Everything that happened.
    pub(super) fn lines(&self) -> Vec<String> {
        self.log.lines()
    }

    /// Equal for equal runs.
    pub(super) fn digest(&self) -> u64 {
        self.log.digest()
    }
}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Book").finish_non_exhaustive()
    }
}
