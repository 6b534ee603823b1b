//! The figures, their names and dimensions.

use kcl_core::observe::{
    BatchEnd, BatchEnded, Observer, SourceCallEnd, SourceCallEnded, StoreCallEnd, StoreCallEnded,
    Subject, testing,
};
use kcl_metrics::{CloudWatch, Level, Metrics, Names};

use super::{
    server::{FakeCloudWatch, Mood},
    settings,
};
use crate::bench::{APPLICATION, Bench, about, batch, key, millis, worker};

/// The lines of these figures.
fn of(server: &FakeCloudWatch, names: &[&str]) -> Vec<String> {
    let is_one = |line: &String| names.iter().any(|name| line.split(' ').next() == Some(name));
    server
        .lines()
        .into_iter()
        .filter(is_one)
        .map(|line| line.replace(" application=order-indexer", ""))
        .collect()
}

const SOME: &[&str] = &[
    "kcl_records_processed_total",
    "kcl_lag_seconds",
    "kcl_lag_max_seconds",
    "kcl_leases_held",
    "kcl_batches_total",
    "kcl_batch_duration_seconds",
    "kcl_record_losses_total",
    "kcl_build_info",
];

fn work(bench: &Bench) {
    let (one, other) = (bench.gain(0), bench.gain(1));
    bench.process(&one, 3, 1_500, BatchEnd::Done, 40);
    bench.process(&other, 2, 500, BatchEnd::Done, 60);
    bench.process(&other, 2, 0, BatchEnd::Failed("no"), 700);
}

#[test]
fn by_our_names_shards_are_told_as_one() {
    let (server, bench) = (FakeCloudWatch::start(Mood::Takes), Bench::new());
    let sending = CloudWatch::start(settings(&server.url()), bench.metrics.clone()).unwrap();
    work(&bench);
    drop(sending);
    assert_eq!(server.namespaces(), ["KCL"]);
    assert_eq!(
        of(&server, SOME),
        [
            "kcl_batch_duration_seconds stream=orders \
             2x0.04705882352941178 1x0.7058823529411765 Seconds",
            "kcl_batches_total stream=orders outcome=done: 2 Count",
            "kcl_batches_total stream=orders outcome=failed: 1 Count",
            "kcl_lag_max_seconds stream=orders: 2.26 Seconds",
            "kcl_lag_seconds stream=orders: 2.26 Seconds",
            "kcl_leases_held: 2 Count",
            "kcl_record_losses_total stream=orders: 0 Count",
            "kcl_records_processed_total stream=orders: 5 Count",
        ]
    );
}

#[test]
fn in_detail_each_shard_is_told() {
    let (server, bench) = (FakeCloudWatch::start(Mood::Takes), Bench::new());
    let settings = settings(&server.url()).level(Level::Detailed).namespace("mine");
    let sending = CloudWatch::start(settings, bench.metrics.clone()).unwrap();
    work(&bench);
    drop(sending);
    assert_eq!(server.namespaces(), ["mine"]);
    assert_eq!(
        of(&server, &["kcl_records_processed_total", "kcl_lag_seconds"]),
        [
            "kcl_lag_seconds stream=orders shard=shardId-000000000000: 2.26 Seconds",
            "kcl_lag_seconds stream=orders shard=shardId-000000000001: 1.2 Seconds",
            "kcl_records_processed_total stream=orders shard=shardId-000000000000: 3 Count",
            "kcl_records_processed_total stream=orders shard=shardId-000000000001: 2 Count",
        ]
    );
}

/// Tells the Java KCL's counter of a lease, two batches, a read, a beat, and a plan.
fn tell(observer: &impl Observer) {
    let lease = key(0);
    for event in testing::events(&lease) {
        let name = format!("{event:?}");
        let name = name.split([' ', '{', '(']).next().unwrap_or_default();
        if ["LeaseGained", "Planned", "EndedDead"].contains(&name) {
            observer.event(&Subject::for_test(APPLICATION, event.lease()), &event);
        }
    }
    for (records, took) in [(3, 40), (5, 20)] {
        let batch = batch(&lease, records).behind_for_test(1_500);
        let ended = BatchEnded::for_test(&batch, BatchEnd::Done, millis(took), None);
        observer.batch(&about(&lease), &ended);
    }
    let mut read = SourceCallEnded::for_test("next", SourceCallEnd::Done, millis(20));
    read.millis_behind = Some(0);
    observer.source_call(&about(&lease), &read);
    let beat = StoreCallEnded::for_test("beat", StoreCallEnd::Done, millis(7));
    observer.store_call(&worker(), &beat);
}

/// What the Java KCL would tell of that at its level SUMMARY, but for the dimensions that all have.
const SUMMARY: &[&str] = &[
    "CurrentLeases RenewAllLeases WorkerIdentifier=test: 1 samples, 1 in all, 1 to 1 Count",
    "DataBytesProcessed ProcessTask ShardId=0: 2 samples, 24 in all, 9 to 15 Bytes",
    "ExpiredLeases LeaseAssignmentManager: 1 samples, 1 in all, 1 to 1 Count",
    "LeaseSpillover LeaseAssignmentManager: 1 samples, 1 in all, 1 to 1 Count",
    "LostLeases RenewAllLeases WorkerIdentifier=test: 1 samples, 0 in all, 0 to 0 Count",
    "MillisBehindLatest ApplicationTracker: 3 samples, 3000 in all, 0 to 1500 Milliseconds",
    "MillisBehindLatest ProcessTask ShardId=0: 3 samples, 3000 in all, 0 to 1500 Milliseconds",
    "NumOfLeasesReassignment LeaseAssignmentManager: 1 samples, 2 in all, 2 to 2 Count",
    "NumWorkers LeaseAssignmentManager: 1 samples, 3 in all, 3 to 3 Count",
    "RecordProcessor.processRecords.Success ProcessTask ShardId=0: 2 samples, 2 in all, 1 to 1 \
     Count",
    "RecordProcessor.processRecords.Time ProcessTask ShardId=0: 2 samples, 60 in all, 20 to 40 \
     Milliseconds",
    "RecordsProcessed ProcessTask ShardId=0: 2 samples, 8 in all, 3 to 5 Count",
    "Success ProcessTask ShardId=0: 2 samples, 2 in all, 1 to 1 Count",
    "Success RenewAllLeases WorkerIdentifier=test: 1 samples, 1 in all, 1 to 1 Count",
    "Time ProcessTask ShardId=0: 2 samples, 60 in all, 20 to 40 Milliseconds",
    "Time RenewAllLeases WorkerIdentifier=test: 1 samples, 7 in all, 7 to 7 Milliseconds",
    "TotalLeases LeaseAssignmentManager: 1 samples, 8 in all, 8 to 8 Count",
];

/// And what at its level DETAILED, too.
const DETAILED: &[&str] = &[
    "KinesisDataFetcher.getRecords.Success ProcessTask ShardId=0: 1 samples, 1 in all, 1 to 1 \
     Count",
    "KinesisDataFetcher.getRecords.Time ProcessTask ShardId=0: 1 samples, 20 in all, 20 to 20 \
     Milliseconds",
    "RenewLease.Success RenewAllLeases WorkerIdentifier=test: 1 samples, 1 in all, 1 to 1 Count",
    "RenewLease.Time RenewAllLeases WorkerIdentifier=test: 1 samples, 7 in all, 7 to 7 \
     Milliseconds",
];

#[test]
fn by_the_java_kcl_s_names_each_batch_read_and_beat_is_a_sample() {
    for (level, more) in [(Level::Summary, &[][..]), (Level::Detailed, DETAILED)] {
        let server = FakeCloudWatch::start(Mood::Takes);
        let settings = settings(&server.url()).names(Names::Kcl).level(level);
        let sending = CloudWatch::start(settings, Metrics::new()).unwrap();
        tell(&sending.observer());
        drop(sending);
        assert_eq!(server.namespaces(), [APPLICATION]);
        let short =
            |line: String| line.replace(" Operation=", " ").replace("shardId-000000000000", "0");
        let lines: Vec<String> = server.lines().into_iter().map(short).collect();
        let mut expected = [SUMMARY, more].concat();
        expected.sort_unstable();
        assert_eq!(lines, expected);
    }
}

#[test]
fn by_our_names_the_java_kcl_s_are_not_counted() {
    let server = FakeCloudWatch::start(Mood::Takes);
    let sending = CloudWatch::start(settings(&server.url()), Metrics::new()).unwrap();
    tell(&sending.observer());
    drop(sending);
    assert_eq!(server.lines(), [""; 0]);
}
