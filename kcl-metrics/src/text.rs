//! Writes a snapshot as a text that Prometheus can scrape.

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, prometheus_text, text},
    metrics::MetricType,
    registry::Registry,
};

use crate::{
    snapshot::{Series, Snapshot, Value},
    table::{Instrument, Kind},
};

/// The format of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// The text format of Prometheus, version 0.0.4.
    Prometheus,
    /// OpenMetrics, version 1.0.0.
    OpenMetrics,
}

impl Format {
    /// The format for a scraper with this `Accept` header: OpenMetrics if the header contains it.
    #[must_use]
    pub fn accepted(accept: &str) -> Self {
        let is_open = accept.contains("application/openmetrics-text");
        if is_open { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// The media type, for the header `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => prometheus_text::CONTENT_TYPE,
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The text of a snapshot.
pub(crate) fn encode(snapshot: Snapshot, format: Format) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Families(snapshot)));
    let mut text = String::new();
    // A write to a string cannot fail.
    let _ = match format {
        Format::Prometheus => prometheus_text::encode(&mut text, &registry),
        Format::OpenMetrics => text::encode(&mut text, &registry),
    };
    text
}

/// The series of a snapshot in families, one for each instrument.
#[derive(Debug)]
struct Families(Snapshot);

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let series = self.0.series();
        for family in series.chunk_by(|one, other| one.instrument.id == other.instrument.id) {
            let Some(Series { instrument, .. }) = family.first() else { continue };
            let (name, kind) = described(instrument);
            let mut family_encoder =
                encoder.encode_descriptor(name, instrument.help, None, kind)?;
            for series in family {
                write(series, &mut family_encoder)?;
            }
        }
        Ok(())
    }
}

/// The name without `_total`, which the library appends itself, and the kind.
fn described(instrument: &Instrument) -> (&'static str, MetricType) {
    match instrument.kind {
        Kind::Counter => {
            let name = instrument.name.strip_suffix("_total").unwrap_or(instrument.name);
            (name, MetricType::Counter)
        }
        Kind::Gauge => (instrument.name, MetricType::Gauge),
        Kind::Histogram(_) => (instrument.name, MetricType::Histogram),
    }
}

/// Writes one series of a family.
fn write(series: &Series, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
    let labels: Vec<(&str, &str)> =
        series.labels.iter().map(|(label, value)| (label.as_str(), &**value)).collect();
    let mut encoder = encoder.encode_family(&labels)?;
    match (series.instrument.kind, &series.value) {
        (Kind::Counter, Value::Count(count)) => {
            encoder.encode_counter::<NoLabelSet, _, u64>(count, None)
        }
        (Kind::Counter, Value::Number(number)) => {
            encoder.encode_counter::<NoLabelSet, _, u64>(number, None)
        }
        (Kind::Histogram(bounds), Value::Histogram(counts, sum)) => {
            let bounds = bounds.iter().copied().chain([f64::INFINITY]);
            let ranges: Vec<(f64, u64)> = bounds.zip(counts.iter().copied()).collect();
            encoder.encode_histogram::<NoLabelSet>(*sum, counts.iter().sum(), &ranges, None)
        }
        (_, Value::Count(count)) => encoder.encode_gauge(count),
        (_, Value::Number(number)) => encoder.encode_gauge(number),
        (_, Value::Histogram(..)) => Ok(()),
    }
}
