//! Lag: how far processing is behind, which is not how far reading is.

use kcl_core::observe::BatchEnd;

use crate::bench::Bench;

fn lag(bench: &Bench) -> Option<f64> {
    bench.number("kcl_lag_max_seconds", &[])
}

#[test]
fn what_nobody_said_is_absent_and_not_zero() {
    let bench = Bench::new();
    let key = bench.gain(0);
    assert_eq!(lag(&bench), None);
    bench.read(&key, 0, None);
    assert_eq!(lag(&bench), None);
    bench.read(&key, 0, Some(0));
    assert_eq!(lag(&bench), Some(0.0));
}

#[test]
fn it_grows_while_a_batch_is_in_the_processor_and_falls_when_it_is_done() {
    let bench = Bench::new();
    let key = bench.gain(0);
    bench.read(&key, 5, Some(8_000));
    assert_eq!(lag(&bench), Some(8.0), "as far behind as what was read first, at least");
    bench.process(&key, 5, 8_000, BatchEnd::Failed("no"), 2_000);
    assert_eq!(lag(&bench), Some(10.0));
    // Reading goes on meanwhile, and is at the tip: processing is not.
    bench.read(&key, 0, Some(0));
    assert_eq!(lag(&bench), Some(10.0));
    bench.process(&key, 5, 3_000, BatchEnd::Done, 2_000);
    assert_eq!(lag(&bench), Some(3.0));
    bench.read(&key, 0, Some(0));
    assert_eq!(lag(&bench), Some(0.0));
}

#[test]
fn it_grows_while_the_stream_does_not_answer() {
    let bench = Bench::new();
    let key = bench.gain(0);
    bench.read(&key, 0, Some(0));
    bench.pass(60_000);
    assert_eq!(lag(&bench), Some(60.0));
}

#[test]
fn a_record_that_is_skipped_is_waited_for_no_longer() {
    let bench = Bench::new();
    let key = bench.gain(0);
    bench.process(&key, 1, 9_000, BatchEnd::Failed("no"), 10);
    bench.happens(&key, "RecordSkipped");
    bench.read(&key, 0, Some(0));
    assert_eq!(lag(&bench), Some(0.0));
}

#[test]
fn the_maximum_is_over_what_is_known_and_what_is_read_elsewhere_vanishes() {
    let bench = Bench::new();
    let (one, other) = (bench.gain(0), bench.gain(1));
    bench.gain(2);
    bench.read(&one, 0, Some(1_000));
    bench.read(&other, 0, Some(7_000));
    assert_eq!(lag(&bench), Some(7.0));
    bench.happens(&other, "LeaseLost");
    assert_eq!(lag(&bench), Some(1.0));
    let of_other = [("shard", "shardId-000000000001")];
    assert_eq!(bench.number("kcl_lag_seconds", &of_other), None);
    // A read that was under way does not bring it back.
    bench.read(&other, 3, Some(7_000));
    assert!(!bench.lines().iter().any(|line| line.contains("000001")), "{:?}", bench.lines());
    bench.happens(&one, "ShardEnded");
    assert_eq!(lag(&bench), None);
}
