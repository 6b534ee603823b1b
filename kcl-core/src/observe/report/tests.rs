use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use async_trait::async_trait;

use super::*;
use crate::{
    env::WallTime,
    lease::{Checkpoint, Epoch, report::ShardReport},
    observe::LossReason,
    processor::LeaseHandle,
    store::StoreError,
    stream::{Position, Record, SourceError},
};

/// A clock that only the test moves.
#[derive(Debug, Default)]
struct Still(AtomicU64);

#[async_trait]
impl Clock for Still {
    fn now(&self) -> Time {
        Time::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn wall(&self) -> WallTime {
        WallTime::from_millis(1_700_000_000_000 + self.0.load(Ordering::Relaxed))
    }

    async fn sleep_until(&self, _: Time) {}
}

struct Scene {
    board: ReportBoard,
    loads: LoadBoard,
    clock: Arc<Still>,
    news: mpsc::UnboundedReceiver<Event>,
}

fn key() -> LeaseKey {
    "orders/7/shard-0".parse().unwrap()
}

impl Scene {
    /// A worker that starts at 1 s and gains a lease then.
    fn new() -> Self {
        let clock = Arc::new(Still(AtomicU64::new(1_000)));
        let shared: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
        let loads = LoadBoard::new(Arc::clone(&shared));
        let (sender, news) = mpsc::unbounded_channel();
        let board = ReportBoard::new(&Settings::default(), loads.clone(), shared, sender);
        let scene = Self { board, loads, clock, news };
        scene.event(&WorkerEvent::LeaseGained { key: key(), epoch: Epoch(1) });
        scene
    }

    fn at(&self, millis: u64) {
        self.clock.0.store(millis, Ordering::Relaxed);
    }

    fn about() -> Subject {
        Subject::for_test("a", Some(&key()))
    }

    fn event(&self, event: &WorkerEvent) {
        self.loads.event(&Self::about(), event);
        self.board.event(&Self::about(), event);
    }

    fn fail(&self, kind: SourceErrorKind) {
        let (error, source) = ("secret words".to_owned(), String::new());
        self.event(&WorkerEvent::ReadFailed { key: key(), kind, error, source });
    }

    /// A call to the stream ends.
    fn call(&self, op: &'static str, end: SourceCallEnd<'_>, bytes: u64) {
        let mut call = SourceCallEnded::for_test(op, end, Duration::ZERO);
        call.bytes = bytes;
        self.board.source_call(&Self::about(), &call);
    }

    fn refuse(&self, op: &'static str, kind: SourceErrorKind) {
        let error = SourceError::new(kind, "GetRecords", "shard-0");
        self.call(op, SourceCallEnd::Failed(&error), 0);
    }

    fn store_refuses(&self, op: &'static str, kind: StoreErrorKind) {
        let error = StoreError::new(kind, op, "a row");
        let end = StoreCallEnd::Failed(&error);
        let call = StoreCallEnded::for_test(op, end, Duration::ZERO);
        self.board.store_call(&Subject::for_test("a", None), &call);
    }

    fn process(&self) {
        let record = Record::new(Position::new(7_u128.into(), 0), None, "x".into());
        let (_, lease) = LeaseHandle::for_test(key(), Epoch(1), Checkpoint::TrimHorizon);
        let records = lease.deliver(vec![record]);
        let batch = BatchEnded::for_test(&records, BatchEnd::Done, Duration::ZERO, None);
        self.board.batch(&Self::about(), &batch);
    }

    /// The number of change notifications since the last call.
    fn news(&mut self) -> usize {
        std::iter::from_fn(|| self.news.try_recv().ok()).count()
    }

    fn shard(&self) -> ShardReport {
        self.board.report().shards.remove(&key()).unwrap()
    }
}

#[test]
fn what_fails_is_told_with_its_kind_and_since_when_and_that_it_changes_is_news() {
    let mut scene = Scene::new();
    assert_eq!((scene.news(), scene.shard().trouble), (0, None));
    scene.at(5_000);
    scene.fail(SourceErrorKind::Denied);
    assert_eq!(scene.news(), 1);
    scene.at(9_000);
    scene.fail(SourceErrorKind::Denied);
    assert_eq!(scene.news(), 0, "it goes on");
    scene.at(10_000);
    let trouble = scene.shard().trouble.unwrap();
    let secs = Duration::from_secs;
    assert_eq!(
        (trouble.kind, trouble.ago, trouble.failing),
        (TroubleKind::Denied, secs(1), Some(secs(5)))
    );
    scene.process();
    assert!(scene.shard().trouble.unwrap().failing.is_some(), "what was read before");
    assert_eq!(scene.news(), 0);
    scene.call("next", SourceCallEnd::Done, 10);
    assert_eq!((scene.news(), scene.shard().trouble.unwrap().failing), (1, None));
    let told = format!("{:?}", scene.board.report());
    assert!(!told.contains("secret"), "{told}");
}

#[test]
fn a_batch_that_fails_is_mended_by_one_that_is_processed() {
    let mut scene = Scene::new();
    let error = "secret words".to_owned();
    scene.event(&WorkerEvent::BatchFailed { key: key(), attempt: 1, records: 3, error });
    assert_eq!(scene.news(), 1);
    scene.call("next", SourceCallEnd::Done, 10);
    assert!(scene.shard().trouble.unwrap().failing.is_some(), "it is read on");
    scene.process();
    assert_eq!((scene.news(), scene.shard().trouble.unwrap().failing), (1, None));
    assert_eq!(scene.shard().progress, Some(Duration::ZERO));
}

#[test]
fn reads_and_those_that_are_throttled_are_counted_by_the_minute() {
    let mut scene = Scene::new();
    for second in 0..30 {
        scene.at(1_000 + second * 1_000);
        scene.call("next", SourceCallEnd::Done, 600);
        if second % 3 == 0 {
            scene.refuse("next", SourceErrorKind::Throttled);
            scene.fail(SourceErrorKind::Throttled);
        }
    }
    assert_eq!(scene.news(), 1, "that throttling has begun, and not each time");
    scene.at(31_000);
    let shard = scene.shard();
    assert_eq!((shard.reads, shard.throttled), (Some(60), Some(20)));
    assert_eq!(
        (shard.read_bytes_per_second, shard.read),
        (Some(600), Some(Duration::from_secs(1)))
    );
    let throttles = scene.board.report().throttles;
    assert_eq!(throttles.calls, BTreeMap::from([("stream:next".to_owned(), 10)]));
    assert_eq!(throttles.within, Duration::from_secs(30));
}

#[test]
fn the_last_denial_is_told_and_the_first_of_each_call_is_news() {
    let mut scene = Scene::new();
    assert_eq!(scene.board.report().denial, None);
    scene.store_refuses("acquire", StoreErrorKind::Denied);
    scene.store_refuses("acquire", StoreErrorKind::Denied);
    scene.store_refuses("beat", StoreErrorKind::Unavailable);
    assert_eq!(scene.news(), 1);
    scene.refuse("next", SourceErrorKind::Encryption);
    assert_eq!(scene.news(), 1);
    scene.at(4_000);
    let ago = Duration::from_secs(3);
    let denial = scene.board.report().denial;
    assert_eq!(
        denial,
        Some(crate::lease::report::Denial::new("stream:next", "encryption", ago, 3))
    );
}

#[test]
fn what_is_not_held_is_not_told() {
    let scene = Scene::new();
    scene.event(&WorkerEvent::LeaseLost { key: key(), epoch: Epoch(1), reason: LossReason::Taken });
    scene.fail(SourceErrorKind::Denied);
    let report = scene.board.report();
    assert!(report.shards.is_empty());
    assert_eq!(report.settings, Settings::default().reported());
    assert_eq!(report.up, Some(Duration::ZERO));
}
