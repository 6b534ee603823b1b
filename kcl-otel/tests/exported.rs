//! What the SDK's exporter is given.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what goes wrong fails the test")]

use std::collections::{BTreeMap, BTreeSet};

use kcl_core::{
    lease::LeaseKey,
    observe::{Observer, StoreCallEnd, StoreCallEnded, Subject, testing},
};
use kcl_metrics::{Kind, Metrics, TABLE, Unit, Value};
use kcl_otel::Exported;
use opentelemetry::{KeyValue, metrics::MeterProvider};
use opentelemetry_sdk::metrics::{
    InMemoryMetricExporter, PeriodicReader, SdkMeterProvider,
    data::{AggregatedMetrics, MetricData},
};

/// A worker to which each event has happened once.
fn busy() -> Metrics {
    let metrics = Metrics::new();
    let key: LeaseKey = "orders/7/shardId-000000000000".parse().unwrap();
    for event in testing::events(&key) {
        metrics.event(&Subject::for_test("indexer", event.lease()), &event);
    }
    let gained = testing::events(&key).into_iter();
    for event in gained.filter(|event| format!("{event:?}").starts_with("LeaseGained")) {
        metrics.event(&Subject::for_test("indexer", Some(&key)), &event);
    }
    let took = std::time::Duration::from_millis(30);
    let call = StoreCallEnded::for_test("beat", StoreCallEnd::Done, took);
    metrics.store_call(&Subject::for_test("indexer", None), &call);
    metrics
}

struct Pipeline {
    provider: SdkMeterProvider,
    exporter: InMemoryMetricExporter,
}

/// A series: its value, and its unit.
type Series = BTreeMap<String, (f64, String)>;

impl Pipeline {
    fn new() -> Self {
        let exporter = InMemoryMetricExporter::default();
        let reader = PeriodicReader::builder(exporter.clone()).build();
        Self { provider: SdkMeterProvider::builder().with_reader(reader).build(), exporter }
    }

    /// What is exported now.
    fn exported(&self) -> Series {
        self.exporter.reset();
        self.provider.force_flush().unwrap();
        let mut all = Series::new();
        for resource in self.exporter.get_finished_metrics().unwrap() {
            for metric in resource.scope_metrics().flat_map(|scope| scope.metrics()) {
                let AggregatedMetrics::F64(data) = metric.data() else { panic!("{metric:?}") };
                let mut add = |attributes: Vec<&KeyValue>, value| {
                    let key = named(metric.name(), &attributes);
                    let unit = metric.unit().to_owned();
                    assert!(all.insert(key.clone(), (value, unit)).is_none(), "{key}: twice");
                };
                match data {
                    MetricData::Sum(sum) => {
                        assert!(sum.is_monotonic(), "{}", metric.name());
                        let points = sum.data_points();
                        points.for_each(|it| add(it.attributes().collect(), it.value()));
                    }
                    MetricData::Gauge(gauge) => {
                        let points = gauge.data_points();
                        points.for_each(|it| add(it.attributes().collect(), it.value()));
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        all
    }
}

fn named(name: &str, attributes: &[&KeyValue]) -> String {
    let labels = attributes.iter().map(|it| format!(" {}={}", it.key, it.value));
    let labels: BTreeSet<String> = labels.collect();
    format!("{name}{}", labels.into_iter().collect::<String>())
}

#[test]
fn every_series_is_exported_as_the_table_has_it_and_no_other() {
    let metrics = busy();
    let pipeline = Pipeline::new();
    let meter = pipeline.provider.meter("kcl");
    let worker = KeyValue::new("worker", "w1");
    let exported = Exported::new(&metrics, &meter, [worker.clone()]);
    let found = pipeline.exported();
    let mut told = BTreeSet::new();
    for series in metrics.snapshot().series() {
        let row = series.instrument;
        let labels = series.labels.iter();
        let labels: Vec<KeyValue> =
            labels.map(|(label, value)| KeyValue::new(label.as_str(), value.clone())).collect();
        let key = |ending: &str, more: Option<&KeyValue>| {
            let all: Vec<&KeyValue> = labels.iter().chain([&worker]).chain(more).collect();
            named(&format!("{}{ending}", row.name), &all)
        };
        let unit = match row.unit {
            Unit::Seconds => "s",
            Unit::Bytes => "By",
            _ => "1",
        };
        let mut is = |key: String, value: f64, unit: &str| {
            let (number, of) = found.get(&key).unwrap_or_else(|| panic!("{key} is not there"));
            let is_clock = row.name.contains("age_seconds");
            assert!(is_clock || (number - value).abs() < 1e-9, "{key}: {number} for {value}");
            assert_eq!(of, unit, "{key}");
            told.insert(key);
        };
        match &series.value {
            Value::Count(count) => is(key("", None), *count as f64, unit),
            Value::Number(number) => is(key("", None), *number, unit),
            Value::Histogram(counts, sum) => {
                let Kind::Histogram(bounds) = row.kind else { panic!("{row:?}") };
                is(key("_sum", None), *sum, "s");
                is(key("_count", None), counts.iter().sum::<u64>() as f64, "1");
                let ends = bounds.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
                for (at, end) in ends.enumerate() {
                    let below = counts[..=at].iter().sum::<u64>() as f64;
                    is(key("_bucket", Some(&KeyValue::new("le", end))), below, "1");
                }
            }
        }
    }
    assert_eq!(found.keys().cloned().collect::<BTreeSet<_>>(), told);
    let names: BTreeSet<&str> =
        metrics.snapshot().series().iter().map(|series| series.instrument.name).collect();
    assert!(names.len() > TABLE.len() / 2, "that proves little: {names:?}");
    drop(exported);
}

#[test]
fn what_is_not_known_is_absent_and_a_worker_that_is_over_tells_nothing() {
    let pipeline = Pipeline::new();
    let meter = pipeline.provider.meter("kcl");
    let idle = Exported::new(&Metrics::new(), &meter, []);
    assert_eq!(pipeline.exported(), Series::new());
    let exported = Exported::new(&busy(), &meter, []);
    assert!(!pipeline.exported().is_empty());
    drop((idle, exported));
    assert_eq!(pipeline.exported(), Series::new());
}
