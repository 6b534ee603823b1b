//! Counts the metrics of the Java KCL, under its names and with its dimensions, so that dashboards
//! and alarms that were made for it keep working. Each batch, read, beat and plan is one sample, as
//! in the Java KCL.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use kcl_core::{
    lease::{LeaseKey, WorkerId},
    observe::{
        BatchEnd, BatchEnded, Observer, SourceCallEnd, SourceCallEnded, StoreCallEnd,
        StoreCallEnded, Subject, WorkerEvent as E,
    },
    stream::ShardId,
};

use super::{
    datum::{Amount, Datum, Statistics, Unit},
    settings::Level,
};
use crate::counted::float;

/// An observer that counts the metrics of the Java KCL. Register it at the worker besides
/// [`Metrics`](crate::Metrics). Without `Names::Kcl` it counts nothing. Clones share the counts.
#[derive(Clone)]
pub struct KclTally(Arc<Inner>);

/// The counts that all clones share.
struct Inner {
    /// How much is counted; `None` for nothing.
    level: Option<Level>,
    counted: Mutex<Counted>,
}

/// The samples since the last [`KclTally::take`].
#[derive(Debug, Default)]
struct Counted {
    all: BTreeMap<Key, (Unit, Statistics)>,
    /// The leases that the worker holds now.
    held: BTreeSet<LeaseKey>,
    /// How many leases the worker lost since its last beat.
    lost: u64,
}

/// The name of a metric, the dimension `Operation`, and the other dimension.
type Key = (&'static str, &'static str, About);

/// The dimension besides `Operation`, if there is one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    All,
    Shard(ShardId),
    Worker(WorkerId),
}

// The operations of the Java KCL.
const PROCESS: &str = "ProcessTask";
const APPLICATION: &str = "ApplicationTracker";
const RENEW: &str = "RenewAllLeases";
const ASSIGN: &str = "LeaseAssignmentManager";
const BEHIND: &str = "MillisBehindLatest";

impl KclTally {
    pub(super) fn new(level: Option<Level>) -> Self {
        Self(Arc::new(Inner { level, counted: Mutex::default() }))
    }

    /// The data since the last call; counting begins anew.
    pub(super) fn take(&self) -> Vec<Datum> {
        let all = std::mem::take(&mut self.counted().all);
        let datum = |((name, operation, about), (unit, statistics)): (Key, (Unit, Statistics))| {
            let mut dimensions = vec![("Operation", operation.to_owned())];
            match about {
                About::All => {}
                About::Shard(it) => dimensions.push(("ShardId", it.as_str().to_owned())),
                About::Worker(it) => dimensions.push(("WorkerIdentifier", it.to_string())),
            }
            Datum { name, dimensions, unit, amount: Amount::Statistics(statistics) }
        };
        all.into_iter().map(datum).collect()
    }

    /// Locks the counts, for a moment only: the observer runs on the worker's threads.
    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.0.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_on(&self) -> bool {
        self.0.level.is_some()
    }

    fn is_detailed(&self) -> bool {
        self.0.level == Some(Level::Detailed)
    }
}

impl Counted {
    /// Adds a sample of a metric.
    fn add(&mut self, name: &'static str, operation: &'static str, about: &About, it: Sample) {
        let key = (name, operation, about.clone());
        let entry = self.all.entry(key);
        entry
            .and_modify(|(_, statistics)| statistics.add(it.number))
            .or_insert_with(|| (it.unit, Statistics::of(it.number)));
    }

    /// Adds how far a shard is behind, for the shard and for the application; nothing if unknown.
    fn behind(&mut self, shard: &About, millis: Option<u64>) {
        let Some(millis) = millis.map(|millis| Sample::new(Unit::Milliseconds, float(millis)))
        else {
            return;
        };
        self.add(BEHIND, PROCESS, shard, millis);
        self.add(BEHIND, APPLICATION, &About::All, millis);
    }
}

/// One sample, with its unit.
#[derive(Clone, Copy)]
struct Sample {
    unit: Unit,
    number: f64,
}

impl Sample {
    const fn new(unit: Unit, number: f64) -> Self {
        Self { unit, number }
    }

    const fn count(count: u64) -> Self {
        Self::new(Unit::Count, float(count))
    }

    fn millis(time: Duration) -> Self {
        Self::new(Unit::Milliseconds, time.as_secs_f64() * 1e3)
    }
}

/// The dimension of the shard that an event is about.
fn shard(about: &Subject) -> Option<About> {
    about.shard.clone().map(About::Shard)
}

impl Observer for KclTally {
    fn event(&self, _: &Subject, event: &E) {
        if !self.is_on() {
            return;
        }
        let mut counted = self.counted();
        match event {
            E::LeaseGained { key, .. } => drop(counted.held.insert(key.clone())),
            E::LeaseLost { key, .. } => {
                counted.held.remove(key);
                counted.lost += 1;
            }
            E::ShardEnded { key, .. } => drop(counted.held.remove(key)),
            E::Planned { moves, unassigned, workers, leases, .. } => {
                for (name, count) in [
                    ("NumOfLeasesReassignment", moves),
                    ("LeaseSpillover", unassigned),
                    ("NumWorkers", workers),
                    ("TotalLeases", leases),
                ] {
                    counted.add(name, ASSIGN, &About::All, Sample::count(*count as u64));
                }
            }
            E::EndedDead { .. } => {
                counted.add("ExpiredLeases", ASSIGN, &About::All, Sample::count(1));
            }
            _ => {}
        }
    }

    fn store_call(&self, about: &Subject, call: &StoreCallEnded<'_>) {
        let is_over = !matches!(call.end, StoreCallEnd::Abandoned);
        let Some(worker) = about.worker.as_ref().filter(|_| self.is_on() && is_over) else {
            return;
        };
        if call.op != "beat" {
            return;
        }
        let worker = About::Worker(worker.clone());
        let done = Sample::count(u64::from(matches!(call.end, StoreCallEnd::Done)));
        let took = Sample::millis(call.took);
        let mut counted = self.counted();
        counted.add("Success", RENEW, &worker, done);
        counted.add("Time", RENEW, &worker, took);
        if self.is_detailed() {
            counted.add("RenewLease.Success", RENEW, &worker, done);
            counted.add("RenewLease.Time", RENEW, &worker, took);
        }
        let (held, lost) = (counted.held.len() as u64, std::mem::take(&mut counted.lost));
        counted.add("CurrentLeases", RENEW, &worker, Sample::count(held));
        counted.add("LostLeases", RENEW, &worker, Sample::count(lost));
    }

    fn source_call(&self, about: &Subject, call: &SourceCallEnded<'_>) {
        let is_over = !matches!(call.end, SourceCallEnd::Abandoned);
        let is_read = self.is_on() && call.op == "next" && is_over;
        let Some(shard) = shard(about).filter(|_| is_read) else { return };
        let mut counted = self.counted();
        if self.is_detailed() {
            let failed = matches!(call.end, SourceCallEnd::Failed(_) | SourceCallEnd::Panicked);
            let (done, took) = (Sample::count(u64::from(!failed)), Sample::millis(call.took));
            counted.add("KinesisDataFetcher.getRecords.Success", PROCESS, &shard, done);
            counted.add("KinesisDataFetcher.getRecords.Time", PROCESS, &shard, took);
        }
        if call.is_empty_answer() {
            counted.behind(&shard, call.millis_behind);
        }
    }

    fn batch(&self, about: &Subject, batch: &BatchEnded<'_>) {
        let is_over = batch.end != BatchEnd::Dropped;
        let Some(shard) = shard(about).filter(|_| self.is_on() && is_over) else { return };
        let is_done = batch.end == BatchEnd::Done;
        let (done, took) = (Sample::count(u64::from(is_done)), Sample::millis(batch.took));
        let mut counted = self.counted();
        for name in ["Success", "RecordProcessor.processRecords.Success"] {
            counted.add(name, PROCESS, &shard, done);
        }
        for name in ["Time", "RecordProcessor.processRecords.Time"] {
            counted.add(name, PROCESS, &shard, took);
        }
        if is_done {
            let (records, bytes) = (batch.records() as u64, float(batch.bytes()));
            counted.add("RecordsProcessed", PROCESS, &shard, Sample::count(records));
            let bytes = Sample::new(Unit::Bytes, bytes);
            counted.add("DataBytesProcessed", PROCESS, &shard, bytes);
            counted.behind(&shard, batch.millis_behind());
        }
    }
}

impl fmt::Debug for KclTally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KclTally").field("level", &self.0.level).finish_non_exhaustive()
    }
}
