//! What a recorder of the crate `metrics` is told.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use kcl_core::observe::{BatchEnd, StoreCallEnd};
use kcl_metrics::{Facade, Kind, TABLE, Unit, Value};
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, with_local_recorder,
};

use crate::bench::Bench;

/// What was told, by name and labels.
#[derive(Clone, Debug, Default, PartialEq)]
struct Seen {
    counters: BTreeMap<String, u64>,
    gauges: BTreeMap<String, f64>,
    histograms: BTreeMap<String, Vec<f64>>,
    described: BTreeMap<String, (&'static str, Option<metrics::Unit>)>,
}

#[derive(Clone, Default)]
struct Recording(Arc<Mutex<Seen>>);

struct Handle(Recording, String);

fn name(key: &Key) -> String {
    let labels = key.labels().map(|label| format!(" {}={}", label.key(), label.value()));
    format!("{}{}", key.name(), labels.collect::<String>())
}

impl Recording {
    fn change(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.0.lock().unwrap());
    }

    fn handle(&self, key: &Key) -> Arc<Handle> {
        Arc::new(Handle(self.clone(), name(key)))
    }

    fn describe(&self, name: &KeyName, kind: &'static str, unit: Option<metrics::Unit>) {
        self.change(|seen| {
            seen.described.insert(name.as_str().to_owned(), (kind, unit));
        });
    }
}

impl CounterFn for Handle {
    fn increment(&self, value: u64) {
        self.0.change(|seen| *seen.counters.entry(self.1.clone()).or_default() += value);
    }

    fn absolute(&self, _: u64) {
        panic!("a shard that is read here again begins at zero");
    }
}

impl GaugeFn for Handle {
    fn increment(&self, _: f64) {
        panic!("gauges are set");
    }

    fn decrement(&self, _: f64) {
        panic!("gauges are set");
    }

    fn set(&self, value: f64) {
        self.0.change(|seen| {
            seen.gauges.insert(self.1.clone(), value);
        });
    }
}

impl HistogramFn for Handle {
    fn record(&self, value: f64) {
        self.0.change(|seen| seen.histograms.entry(self.1.clone()).or_default().push(value));
    }
}

impl Recorder for Recording {
    fn describe_counter(&self, key: KeyName, unit: Option<metrics::Unit>, _: SharedString) {
        self.describe(&key, "counter", unit);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<metrics::Unit>, _: SharedString) {
        self.describe(&key, "gauge", unit);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<metrics::Unit>, _: SharedString) {
        self.describe(&key, "histogram", unit);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.handle(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.handle(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.handle(key))
    }
}

/// What was told after `facade` told it to a recorder.
fn told(recording: &Recording, facade: &mut Facade) -> Seen {
    with_local_recorder(recording, || facade.tell());
    recording.0.lock().unwrap().clone()
}

#[test]
fn every_instrument_is_described_with_its_kind_and_unit() {
    let recording = Recording::default();
    let facade = with_local_recorder(&recording, || Facade::new(Bench::new().metrics));
    let described = recording.0.lock().unwrap().described.clone();
    assert_eq!(described.len(), TABLE.len(), "{facade:?}");
    for row in TABLE {
        let unit = match row.unit {
            Unit::Seconds => Some(metrics::Unit::Seconds),
            Unit::Bytes => Some(metrics::Unit::Bytes),
            Unit::Count => Some(metrics::Unit::Count),
            _ => None,
        };
        assert_eq!(described[row.name], (row.kind.as_str(), unit), "{}", row.name);
    }
}

#[test]
fn every_series_is_told_as_it_is_by_kind_and_what_is_told_twice_comes_to_the_same() {
    let bench = Bench::new();
    bench.store("beat", StoreCallEnd::Done, 3);
    let (one, other) = (bench.gain(0), bench.gain(1));
    bench.read(&one, 3, Some(0));
    bench.process(&one, 3, 1_250, BatchEnd::Done, 40);
    let recording = Recording::default();
    let mut facade = Facade::new(bench.metrics.clone());
    told(&recording, &mut facade);
    bench.process(&other, 2, 0, BatchEnd::Failed("no"), 3_700);
    bench.process(&other, 2, 0, BatchEnd::Failed("no"), 1_700);
    bench.happens(&one, "RecordSkipped");
    told(&recording, &mut facade);
    let seen = told(&recording, &mut facade);
    let snapshot = bench.metrics.snapshot();
    let mut kinds = BTreeMap::new();
    for series in snapshot.series() {
        let labels = series.labels.iter().map(|(of, is)| format!(" {}={is}", of.as_str()));
        let (row, name) = (series.instrument, labels.collect::<String>());
        let name = format!("{}{name}", row.name);
        *kinds.entry(row.kind.as_str()).or_insert(0) += 1;
        match (row.kind, &series.value) {
            (Kind::Counter, Value::Count(count)) => assert_eq!(seen.counters[&name], *count),
            (Kind::Counter, Value::Number(seconds)) => {
                assert_eq!(
                    Duration::from_secs(seen.counters[&name]).as_secs_f64(),
                    seconds.floor()
                );
            }
            (Kind::Gauge, Value::Count(count)) => {
                assert!((seen.gauges[&name] - *count as f64).abs() < 1e-9, "{name}");
            }
            (Kind::Gauge, Value::Number(number)) => {
                assert!((seen.gauges[&name] - number).abs() < 1e-9, "{name}");
            }
            (Kind::Histogram(_), Value::Histogram(counts, sum)) => {
                let all = seen.histograms.get(&name).cloned().unwrap_or_default();
                assert_eq!(all.len() as u64, counts.iter().sum::<u64>(), "{name}");
                assert!((all.iter().sum::<f64>() - sum).abs() < 1e-6, "{name}: {all:?}");
            }
            (kind, value) => panic!("{name}: {kind:?} {value:?}"),
        }
    }
    assert!(kinds.values().all(|count| *count > 2) && kinds.len() == 3, "{kinds:?}");
}

#[test]
fn a_gauge_that_is_not_known_any_more_is_no_number() {
    let bench = Bench::new();
    let one = bench.gain(0);
    bench.read(&one, 3, Some(0));
    let recording = Recording::default();
    let mut facade = Facade::new(bench.metrics.clone());
    let lag = |seen: &Seen| {
        let mut all = seen.gauges.iter().filter(|(name, _)| name.starts_with("kcl_lag_seconds "));
        all.next().map(|(_, lag)| *lag)
    };
    assert_eq!(lag(&told(&recording, &mut facade)), Some(0.0));
    bench.happens(&one, "LeaseLost");
    assert!(lag(&told(&recording, &mut facade)).unwrap().is_nan());
}
