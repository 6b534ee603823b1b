//! Registers a row of the table as one or three observable instruments of OpenTelemetry.

use std::sync::Arc;

use kcl_metrics::{Instrument, Kind, Unit, Value};
use opentelemetry::{KeyValue, metrics::Meter};

use crate::collected::Collected;

/// Registers a row. The callbacks hold the metrics weakly: a meter keeps them for ever, and they
/// report nothing after [`Exported`](crate::Exported) was dropped.
pub(crate) fn register(row: &'static Instrument, meter: &Meter, collected: &Arc<Collected>) {
    match row.kind {
        Kind::Histogram(bounds) => {
            ranges(row, bounds, meter, collected);
            counter(row, "_count", "1", meter, collected, |value| match value {
                Value::Histogram(counts, _) => Some(float(counts.iter().sum())),
                _ => None,
            });
            counter(row, "_sum", unit(row.unit), meter, collected, |value| match value {
                Value::Histogram(_, sum) => Some(*sum),
                _ => None,
            });
        }
        Kind::Counter => counter(row, "", unit(row.unit), meter, collected, number),
        Kind::Gauge => {
            let figures = Arc::downgrade(collected);
            let gauge = meter.f64_observable_gauge(row.name);
            let gauge = gauge.with_unit(unit(row.unit)).with_description(row.help);
            let asked = move |observer: &dyn opentelemetry::metrics::AsyncInstrument<f64>| {
                let Some(figures) = figures.upgrade() else { return };
                figures.each(row.id, |series, attributes| {
                    if let Some(number) = number(&series.value) {
                        observer.observe(number, &attributes);
                    }
                });
            };
            let _ = gauge.with_callback(asked).build();
        }
    }
}

/// Registers a counter. `number` takes the value to report from a series.
fn counter(
    row: &'static Instrument,
    ending: &str,
    unit: &'static str,
    meter: &Meter,
    collected: &Arc<Collected>,
    number: fn(&Value) -> Option<f64>,
) {
    let figures = Arc::downgrade(collected);
    let counter = meter.f64_observable_counter(format!("{}{ending}", row.name));
    let counter = counter.with_unit(unit).with_description(row.help);
    let asked = move |observer: &dyn opentelemetry::metrics::AsyncInstrument<f64>| {
        let Some(figures) = figures.upgrade() else { return };
        figures.each(row.id, |series, attributes| {
            if let Some(number) = number(&series.value) {
                observer.observe(number, &attributes);
            }
        });
    };
    let _ = counter.with_callback(asked).build();
}

/// Registers the counter `_bucket` of a histogram: for each bound, how many samples are at most as
/// large.
fn ranges(
    row: &'static Instrument,
    bounds: &'static [f64],
    meter: &Meter,
    collected: &Arc<Collected>,
) {
    let figures = Arc::downgrade(collected);
    let counter = meter.f64_observable_counter(format!("{}_bucket", row.name));
    let counter = counter.with_unit("1").with_description(row.help);
    let asked = move |observer: &dyn opentelemetry::metrics::AsyncInstrument<f64>| {
        let Some(figures) = figures.upgrade() else { return };
        figures.each(row.id, |series, attributes| {
            let Value::Histogram(counts, _) = &series.value else { return };
            let mut sum = 0;
            let bounds = bounds.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
            for (bound, count) in bounds.zip(counts) {
                sum += count;
                let mut attributes = attributes.clone();
                attributes.push(KeyValue::new("le", bound));
                observer.observe(float(sum), &attributes);
            }
        });
    };
    let _ = counter.with_callback(asked).build();
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
const fn float(count: u64) -> f64 {
    count as f64
}

/// The value of a counter or a gauge; `None` for a histogram.
const fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Count(count) => Some(float(*count)),
        Value::Number(number) => Some(*number),
        Value::Histogram(..) => None,
    }
}

/// The unit's code in UCUM.
const fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "s",
        Unit::Bytes => "By",
        Unit::Count | Unit::Flag => "1",
    }
}
