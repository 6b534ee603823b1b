//! A CloudWatch that refuses, throttles, is dark, or is not there.

use std::time::Duration;

use kcl_metrics::CloudWatch;

use super::{
    server::{FakeCloudWatch, Mood},
    settings,
};
use crate::bench::Bench;

const SECOND: Duration = Duration::from_secs(1);

fn sent(bench: &Bench, outcome: &str) -> Option<f64> {
    bench.number("kcl_cloudwatch_data_total", &[("outcome", outcome)])
}

/// The sum of a counter over all that was taken.
fn taken(server: &FakeCloudWatch, name: &str) -> f64 {
    let lines = server.lines();
    let of_name = lines.iter().filter(|line| line.split(' ').next() == Some(name));
    let value = |line: &String| -> f64 {
        line.rsplit(": ").next().unwrap().split(' ').next().unwrap().parse().unwrap()
    };
    of_name.map(value).sum()
}

#[test]
fn what_it_refuses_is_dropped_and_counted_and_the_next_is_taken() {
    let (server, bench) = (FakeCloudWatch::start(Mood::Denies), Bench::new());
    bench.gain(0);
    let settings = settings(&server.url()).period(SECOND);
    let sending = CloudWatch::start(settings, bench.metrics.clone()).unwrap();
    server.until_asked(1);
    server.turn(Mood::Takes);
    server.until_taken();
    drop(sending);
    let (dropped, taken_data) = (sent(&bench, "dropped"), sent(&bench, "taken"));
    assert!(dropped > Some(0.0) && taken_data > Some(0.0), "{dropped:?} {taken_data:?}");
    assert_eq!(taken(&server, "kcl_leases_gained_total"), 0.0, "the first was refused");
}

#[test]
fn what_is_too_much_for_it_comes_again_and_nothing_is_lost() {
    let (server, bench) = (FakeCloudWatch::start(Mood::Throttles), Bench::new());
    bench.gain(0);
    let settings = settings(&server.url()).period(SECOND);
    let sending = CloudWatch::start(settings, bench.metrics.clone()).unwrap();
    server.until_asked(2);
    bench.gain(1);
    server.turn(Mood::Takes);
    server.until_taken();
    drop(sending);
    assert_eq!(taken(&server, "kcl_leases_gained_total"), 2.0);
    assert_eq!(sent(&bench, "dropped"), None);
}

#[test]
fn one_that_never_answers_holds_nobody_up_at_the_end() {
    let (server, bench) = (FakeCloudWatch::start(Mood::IsDark), Bench::new());
    bench.gain(0);
    let settings = settings(&server.url()).period(SECOND);
    let sending = CloudWatch::start(settings, bench.metrics.clone()).unwrap();
    server.until_asked(1);
    bench.gain(1);
    drop(sending);
    assert!(sent(&bench, "dropped") > Some(0.0));
    assert_eq!(sent(&bench, "taken"), None);
}

#[test]
fn one_that_is_not_there_holds_nobody_up_either() {
    let bench = Bench::new();
    bench.gain(0);
    // Nobody listens on the port that tells which service a connection is for.
    let sending = CloudWatch::start(settings("http://127.0.0.1:1"), bench.metrics.clone()).unwrap();
    drop(sending);
    assert!(sent(&bench, "dropped") > Some(0.0));
}
