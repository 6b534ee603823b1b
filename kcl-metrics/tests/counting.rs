//! What calls and batches change, exactly.

use kcl_core::{
    observe::{BatchEnd, Observer, SourceCallEnd, SourceCallEnded, StoreCallEnd},
    store::{StoreError, StoreErrorKind},
    stream::{SourceError, SourceErrorKind},
};

use crate::bench::{Bench, about, batch, key, millis, worker};

#[test]
fn batches_are_counted_as_they_ended() {
    let bench = Bench::new();
    let key = bench.gain(0);
    bench.read(&key, 5, Some(250));
    bench.process(&key, 5, 250, BatchEnd::Failed("no"), 100);
    bench.process(&key, 5, 250, BatchEnd::Panicked("no"), 100);
    bench.process(&key, 5, 250, BatchEnd::Dropped, 100);
    bench.process(&key, 5, 250, BatchEnd::Done, 1_200);
    let of_shard = "stream=orders shard=shardId-000000000000";
    let expected = [
        format!("kcl_records_processed_total {of_shard} 5"),
        format!("kcl_processed_bytes_total {of_shard} 15"),
        format!("kcl_processing_seconds_total {of_shard} 1.5"),
        format!("kcl_batch_failures_total {of_shard} 2"),
        format!("kcl_lag_seconds {of_shard} 0.25"),
        format!("kcl_record_age_seconds {of_shard} 1.5"),
        "kcl_lag_max_seconds stream=orders 0.25".to_owned(),
        "kcl_batches_total stream=orders outcome=done 1".to_owned(),
        "kcl_batches_total stream=orders outcome=dropped 1".to_owned(),
        "kcl_batches_total stream=orders outcome=failed 1".to_owned(),
        "kcl_batches_total stream=orders outcome=panicked 1".to_owned(),
        "kcl_batch_duration_seconds stream=orders 4 in 1.5".to_owned(),
        "kcl_records_read_total stream=orders 5".to_owned(),
        "kcl_read_bytes_total stream=orders 15".to_owned(),
        "kcl_stream_calls_total operation=next outcome=done 1".to_owned(),
        "kcl_stream_call_duration_seconds operation=next 1 in 0.02".to_owned(),
        "kcl_leases_held 1".to_owned(),
        "kcl_leases_gained_total 1".to_owned(),
    ];
    assert_eq!(bench.lines(), expected);
}

#[test]
fn the_oldest_batch_in_the_processor_is_told_and_its_end_clears_a_stall() {
    let bench = Bench::new();
    let (one, other) = (bench.gain(0), bench.gain(1));
    let age = || bench.number("kcl_batch_age_max_seconds", &[]);
    assert_eq!(age(), None);
    bench.metrics.batch_begins(&about(&one), &batch(&one, 1));
    bench.pass(5_000);
    bench.process(&other, 1, 0, BatchEnd::Done, 1_000);
    assert_eq!(age(), Some(6.0));
    bench.happens(&one, "ProcessorStalled");
    assert_eq!(bench.number("kcl_shards_stalled", &[]), Some(1.0));
    bench.process(&one, 1, 0, BatchEnd::Done, 0);
    assert_eq!((age(), bench.number("kcl_shards_stalled", &[])), (None, Some(0.0)));
}

#[test]
fn calls_to_the_store_are_counted_by_operation_and_outcome_and_throttles_beside() {
    let bench = Bench::new();
    let failed = |kind| StoreError::new(kind, "beat", "it");
    let (throttled, denied) = (failed(StoreErrorKind::Throttled), failed(StoreErrorKind::Denied));
    bench.store("beat", StoreCallEnd::Done, 0);
    bench.store("beat", StoreCallEnd::Refused, 0);
    bench.store("beat", StoreCallEnd::TimedOut(millis(6_000)), 6_000);
    bench.store("beat", StoreCallEnd::Abandoned, 0);
    bench.store("advance", StoreCallEnd::Done, 4);
    bench.store("advance", StoreCallEnd::Refused, 4);
    bench.store("advance", StoreCallEnd::Failed(&throttled), 4);
    bench.store("leases", StoreCallEnd::Failed(&denied), 4);
    bench.store("leases", StoreCallEnd::Panicked, 4);
    let expected = [
        "kcl_store_calls_total operation=advance outcome=done 1",
        "kcl_store_calls_total operation=advance outcome=refused 1",
        "kcl_store_calls_total operation=advance outcome=throttled 1",
        "kcl_store_calls_total operation=beat outcome=abandoned 1",
        "kcl_store_calls_total operation=beat outcome=done 1",
        "kcl_store_calls_total operation=beat outcome=refused 1",
        "kcl_store_calls_total operation=beat outcome=timed_out 1",
        "kcl_store_calls_total operation=leases outcome=denied 1",
        "kcl_store_calls_total operation=leases outcome=panicked 1",
        "kcl_store_call_duration_seconds operation=advance 3 in 0.012",
        "kcl_store_call_duration_seconds operation=beat 4 in 6",
        "kcl_store_call_duration_seconds operation=leases 2 in 0.008",
        "kcl_throttles_total service=store 1",
        "kcl_checkpoints_total outcome=failed 1",
        "kcl_checkpoints_total outcome=refused 1",
        "kcl_checkpoints_total outcome=written 1",
        "kcl_beats_total outcome=acknowledged 1",
        "kcl_beats_total outcome=failed 1",
        "kcl_beats_total outcome=refused 1",
        "kcl_beat_age_seconds 0",
        "kcl_session_valid 1",
    ];
    assert_eq!(bench.lines(), expected);
}

#[test]
fn calls_to_the_stream_are_counted_by_operation_and_outcome() {
    let bench = Bench::new();
    let error = SourceError::new(SourceErrorKind::Throttled, "ListShards", "orders");
    let call = |op, end| SourceCallEnded::for_test(op, end, millis(2));
    bench.metrics.source_call(&worker(), &call("shards", SourceCallEnd::Failed(&error)));
    bench.metrics.source_call(&about(&key(0)), &call("next", SourceCallEnd::Lost));
    bench.metrics.source_call(&about(&key(0)), &call("next", SourceCallEnd::ShardEnded));
    let expected = [
        "kcl_stream_calls_total operation=next outcome=records_lost 1",
        "kcl_stream_calls_total operation=next outcome=shard_ended 1",
        "kcl_stream_calls_total operation=shards outcome=throttled 1",
        "kcl_stream_call_duration_seconds operation=next 2 in 0.004",
        "kcl_stream_call_duration_seconds operation=shards 1 in 0.002",
        "kcl_throttles_total service=stream 1",
    ];
    assert_eq!(bench.lines(), expected);
}

#[test]
fn how_late_the_keeper_is_counts_where_it_was_due() {
    let bench = Bench::new();
    bench.turn(bench.now(), 0);
    assert_eq!(bench.lines(), Vec::<String>::new());
    bench.turn(bench.now(), 700);
    assert_eq!(bench.lines(), ["kcl_keeper_lateness_seconds 1 in 0.7"]);
}
