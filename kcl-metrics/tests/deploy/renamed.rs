//! `deploy/prometheus/vmware-go-kcl.yaml`: what dashboards and alerts of VMware-Go-KCL ask for, by
//! the names that it uses, as recording rules.

use std::fmt::Write;

use kcl_metrics::{Id, Kind, TABLE};

use super::{compare, names, yaml};

/// Stands for the application, whose name VMware-Go-KCL puts before each of its own.
const APPLICATION: &str = "APPLICATION";

const HEAD: &str = "\
# The figures of an application under the names that VMware-Go-KCL gives them, so that dashboards
# and alerts made for it go on. Its names begin with the application's: put that in, with _ for what
# a name of Prometheus cannot hold,
#   sed 's/APPLICATION_/order_indexer_/; s/\"APPLICATION\"/\"order-indexer\"/' vmware-go-kcl.yaml
# Generated from the table of instruments and compared by a test. What is not the same:
# - workerID is the scraped instance.
# - Nobody renews a lease here: a worker beats once for all that it holds. lease_renewals counts its
#   beats for each shard that it holds.
# - Durations are in other buckets, and without the shard: of all shards of a stream (processing),
#   or of a worker (reads).
groups:
  - name: APPLICATION-as-vmware-go-kcl
    rules:
";

/// `kinesisStream` for `stream`.
fn by_stream(of: &str) -> String {
    format!("label_replace(\n  {of},\n  \"kinesisStream\", \"$1\", \"stream\", \"(.+)\"\n)")
}

/// `workerID` for `instance`, too.
fn by_worker(of: &str) -> String {
    let stream = by_stream(of);
    format!("label_replace({stream}, \"workerID\", \"$1\", \"instance\", \"(.+)\")")
}

fn of(name: &str) -> String {
    format!("{name}{{application=\"{APPLICATION}\"}}")
}

/// Each new name after the application's, and what it is made of.
fn plain() -> [(&'static str, String); 5] {
    let sum = |what: String| format!("sum by (kinesisStream, shard) ({})", by_stream(&what));
    let max = |what: String| format!("max by (kinesisStream, shard) ({})", by_stream(&what));
    let worker =
        |what: String| format!("max by (kinesisStream, shard, workerID) ({})", by_worker(&what));
    let held = format!("{} ^ 0", of("kcl_records_processed_total"));
    let beats = format!(
        "({held})\n  * on (instance) group_left ()\n  \
         sum by (instance) (kcl_beats_total{{application=\"{APPLICATION}\",\
         outcome=\"acknowledged\"}})"
    );
    [
        ("processed_records", sum(of("kcl_records_processed_total"))),
        ("processed_bytes", sum(of("kcl_processed_bytes_total"))),
        ("behind_latest_millis", max(format!("1000 * {}", of("kcl_lag_seconds")))),
        ("leases_held", worker(held)),
        ("lease_renewals", worker(beats)),
    ]
}

/// A histogram in milliseconds: its buckets, one rule each, its sum and its count.
fn histogram(file: &mut String, name: &str, id: Id, labels: &str, select: &str) {
    let row = TABLE.iter().find(|row| row.id == id).unwrap();
    let Kind::Histogram(bounds) = row.kind else { panic!("{} is no histogram", row.name) };
    let some = |part: &str, le: &str, factor: &str| {
        let what = format!("{}_{part}{{application=\"{APPLICATION}\"{select}{le}}}", row.name);
        let what = if labels == "kinesisStream" { by_stream(&what) } else { what };
        format!("{factor}sum by ({labels}) ({what})")
    };
    let all = bounds.iter().map(|bound| (bound.to_string(), (bound * 1_000.0).to_string()));
    for (seconds, millis) in all.chain([("+Inf".to_owned(), "+Inf".to_owned())]) {
        // As the two text formats write it.
        let le =
            format!(",le=~\"{}(\\\\.0)?\"", seconds.replace('.', "\\\\.").replace('+', "\\\\+"));
        rule(file, &format!("{name}_bucket"), &some("bucket", &le, ""));
        writeln!(file, "        labels: {{le: \"{millis}\"}}").unwrap();
    }
    rule(file, &format!("{name}_sum"), &some("sum", "", "1000 * "));
    rule(file, &format!("{name}_count"), &some("count", "", ""));
}

fn rule(file: &mut String, name: &str, expression: &str) {
    names::check(expression);
    writeln!(file, "      - record: {APPLICATION}_{name}").unwrap();
    yaml::block(file, 8, "expr", expression);
}

/// The rules as a file.
pub(super) fn rules() -> String {
    let mut file = HEAD.to_owned();
    for (name, expression) in plain() {
        rule(&mut file, name, &expression);
    }
    let reads = "get_records_duration_milliseconds";
    let only = ",operation=\"next\"";
    histogram(&mut file, reads, Id::StreamCallDuration, "application", only);
    let batches = "process_records_duration_milliseconds";
    histogram(&mut file, batches, Id::BatchDuration, "kinesisStream", "");
    file
}

/// Two workers of an application: a name, its labels beside the application, values.
const SAMPLES: &[(&str, &str, &str)] = &[
    ("records_processed_total", r#"stream="s",shard="1",instance="w""#, "0+7x30"),
    ("records_processed_total", r#"stream="s",shard="2",instance="v""#, "0x30"),
    ("processed_bytes_total", r#"stream="s",shard="1",instance="w""#, "0+70x30"),
    ("lag_seconds", r#"stream="s",shard="1",instance="w""#, "1.5x30"),
    ("beats_total", r#"outcome="acknowledged",instance="w""#, "0+2x30"),
    ("beats_total", r#"outcome="failed",instance="w""#, "5x30"),
    ("batch_duration_seconds_bucket", r#"stream="s",instance="w",le="1.0""#, "3x30"),
    ("batch_duration_seconds_bucket", r#"stream="s",instance="v",le="1.0""#, "4x30"),
    ("batch_duration_seconds_sum", r#"stream="s",instance="w""#, "0.25x30"),
    ("stream_call_duration_seconds_count", r#"operation="next",instance="w""#, "8x30"),
    ("stream_call_duration_seconds_count", r#"operation="list",instance="w""#, "2x30"),
    ("stream_call_duration_seconds_bucket", r#"operation="next",le="+Inf""#, "8x30"),
];

/// The same as series, and one of another application.
pub(super) fn samples() -> Vec<(String, &'static str)> {
    let of = |application: &str, (name, labels, values): &(&str, &str, &'static str)| {
        (format!("kcl_{name}{{application=\"{application}\",{labels}}}"), *values)
    };
    let all = SAMPLES.iter().map(|sample| of(APPLICATION, sample));
    all.chain([of("other", &SAMPLES[0])]).collect()
}

/// What is asked of them after twenty minutes, and what it is.
pub(super) const ANSWERS: &[(&str, f64)] = &[
    (r#"sum(APPLICATION_processed_records{kinesisStream="s",shard="1"})"#, 140.0),
    ("sum(APPLICATION_processed_records)", 140.0),
    (r#"sum(APPLICATION_processed_bytes{kinesisStream="s",shard="1"})"#, 1_400.0),
    (r#"max(APPLICATION_behind_latest_millis{kinesisStream="s",shard="1"})"#, 1_500.0),
    (r#"sum(APPLICATION_leases_held{workerID="w"})"#, 1.0),
    (r#"sum(APPLICATION_leases_held{kinesisStream="s"})"#, 2.0),
    (r#"sum(APPLICATION_lease_renewals{kinesisStream="s",shard="1",workerID="w"})"#, 40.0),
    (r#"sum(APPLICATION_process_records_duration_milliseconds_bucket{le="1000"})"#, 7.0),
    (r#"sum(APPLICATION_process_records_duration_milliseconds_sum{kinesisStream="s"})"#, 250.0),
    ("sum(APPLICATION_get_records_duration_milliseconds_count)", 8.0),
    (r#"sum(APPLICATION_get_records_duration_milliseconds_bucket{le="+Inf"})"#, 8.0),
];

#[test]
fn the_recording_rules_are_made_of_the_table() {
    compare("deploy/prometheus/vmware-go-kcl.yaml", &rules());
}
