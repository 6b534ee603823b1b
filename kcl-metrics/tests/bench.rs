//! A worker's figures, a clock that stands where it is put, and what the worker is said to do.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use kcl_core::{
    env::{Clock, Time, WallTime},
    lease::{Checkpoint, Epoch, LeaseKey},
    observe::{
        BatchEnd, BatchEnded, KeeperTurn, Observer, SourceCallEnd, SourceCallEnded, StoreCallEnd,
        StoreCallEnded, Subject, WorkerEvent, testing,
    },
    processor::{LeaseHandle, RecordBatch},
    stream::{Position, Record},
};
use kcl_metrics::{Kind, Metrics, Value};

pub(crate) const APPLICATION: &str = "order-indexer";

/// A clock that stands where it is put.
#[derive(Debug, Default)]
struct Still(AtomicU64);

#[async_trait::async_trait]
impl Clock for Still {
    fn now(&self) -> Time {
        Time::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn wall(&self) -> WallTime {
        WallTime::from_millis(0)
    }

    async fn sleep_until(&self, _: Time) {}
}

/// A worker's figures, and what the worker is said to do.
pub(crate) struct Bench {
    pub(crate) metrics: Metrics,
    clock: Arc<Still>,
}

pub(crate) fn key(shard: usize) -> LeaseKey {
    format!("orders/7/shardId-{shard:012}").parse().unwrap()
}

pub(crate) fn about(key: &LeaseKey) -> Subject {
    Subject::for_test(APPLICATION, Some(key))
}

pub(crate) fn worker() -> Subject {
    Subject::for_test(APPLICATION, None)
}

pub(crate) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

impl Bench {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(Still::default());
        clock.0.store(1_000_000, Ordering::Relaxed);
        Self { metrics: Metrics::with_clock(clock.clone()), clock }
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, millis: u64) {
        self.clock.0.fetch_add(millis, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    pub(crate) fn event(&self, event: &WorkerEvent) {
        self.metrics.event(&Subject::for_test(APPLICATION, event.lease()), event);
    }

    /// Tells the samples of events whose name begins so: about this lease, if about one.
    pub(crate) fn happens(&self, lease: &LeaseKey, name: &str) {
        let all = testing::events(lease);
        let is_it = |event: &&WorkerEvent| {
            let text = format!("{event:?}");
            text.split([' ', '{', '(']).next() == Some(name)
        };
        let event = all.iter().find(is_it).unwrap_or_else(|| panic!("there is no {name}"));
        self.event(event);
    }

    pub(crate) fn gain(&self, shard: usize) -> LeaseKey {
        let key = key(shard);
        self.happens(&key, "LeaseGained");
        key
    }

    pub(crate) fn store(&self, op: &'static str, end: StoreCallEnd<'_>, took: u64) {
        let call = StoreCallEnded::for_test(op, end, millis(took));
        self.metrics.store_call(&worker(), &call);
    }

    /// The stream answers a read.
    pub(crate) fn read(&self, key: &LeaseKey, records: usize, behind: Option<u64>) {
        let mut call = SourceCallEnded::for_test("next", SourceCallEnd::Done, millis(20));
        (call.records, call.bytes, call.millis_behind) = (records, records as u64 * 3, behind);
        self.metrics.source_call(&about(key), &call);
    }

    /// The processor has a batch for so long.
    pub(crate) fn process(
        &self,
        key: &LeaseKey,
        records: usize,
        behind: u64,
        end: BatchEnd<'_>,
        took: u64,
    ) {
        let batch = batch(key, records).behind_for_test(behind);
        self.metrics.batch_begins(&about(key), &batch);
        self.pass(took);
        let age = (end == BatchEnd::Done).then(|| millis(1_500));
        let ended = BatchEnded::for_test(&batch, end, millis(took), age);
        self.metrics.batch(&about(key), &ended);
    }

    pub(crate) fn turn(&self, next: Time, late: u64) {
        self.metrics.keeper_turn(&worker(), &KeeperTurn::for_test(next, millis(late)));
    }

    pub(crate) fn number(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        self.metrics.snapshot().number(name, labels)
    }

    /// Every figure that is not zero, in a line each; the labels without the application.
    pub(crate) fn lines(&self) -> Vec<String> {
        let snapshot = self.metrics.snapshot();
        let line = |series: &kcl_metrics::Series| {
            let labels = series.labels.iter().skip(1);
            let labels = labels.map(|(label, value)| format!(" {}={value}", label.as_str()));
            let labels: String = labels.collect();
            let is_counter = series.instrument.kind == Kind::Counter;
            let value = match &series.value {
                Value::Count(0) => return None,
                Value::Count(count) => count.to_string(),
                Value::Number(number) if *number == 0.0 && is_counter => return None,
                Value::Number(number) => number.to_string(),
                Value::Histogram(counts, sum) => {
                    format!("{} in {sum}", counts.iter().sum::<u64>())
                }
            };
            Some(format!("{}{labels} {value}", series.instrument.name))
        };
        let is_build = |series: &&kcl_metrics::Series| series.instrument.name != "kcl_build_info";
        snapshot.series().iter().filter(is_build).filter_map(line).collect()
    }
}

pub(crate) fn batch(key: &LeaseKey, records: usize) -> RecordBatch {
    let record = |number: usize| {
        Record::new(Position::new((number as u128).into(), 0), Some("k".into()), Bytes::from("abc"))
    };
    let (_, lease) = LeaseHandle::for_test(key.clone(), Epoch(5), Checkpoint::TrimHorizon);
    lease.deliver((1..=records).map(record).collect())
}
