//! Passes the metrics of a worker to the recorder of the crate `metrics` that the program has
//! installed.
//!
//! A recorder never asks for values. The program must call [`Facade::tell`] at regular intervals.
//! Names, units and labels are those of the table.
//!
//! - A counter gets the growth. The recorder takes whole numbers only: a counter in seconds gets
//!   whole seconds, and the rest at a later call.
//! - A gauge gets the value. One that becomes unknown is set to NaN, never to zero.
//! - A histogram gets estimated samples: the right number in each range, with the right sum.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use metrics::{Key, Label, Level, Metadata, Recorder, Unit as FacadeUnit, with_recorder};

use crate::{
    Instrument, Kind, Metrics, Series, TABLE, Unit,
    counted::{self, Counted, numbers},
};

/// Passes the metrics of one worker to the recorder of the crate `metrics`.
///
/// ```
/// use kcl_metrics::{Facade, Metrics};
///
/// let metrics = Metrics::new(); // and `.observer(metrics.clone())` at the worker
/// let mut facade = Facade::new(metrics);
/// // At regular intervals, like every ten seconds:
/// facade.tell();
/// ```
pub struct Facade {
    metrics: Metrics,
    /// The counters and histograms at the last call.
    before: BTreeMap<counted::Key, Counted>,
    /// For each counter in seconds, the fraction of a second that was not passed on yet.
    rest: BTreeMap<counted::Key, f64>,
    /// The gauges that had a value at the last call.
    gauges: BTreeSet<counted::Key>,
}

impl Facade {
    /// Describes every instrument to the recorder that is installed now. Install it before.
    #[must_use]
    pub fn new(metrics: Metrics) -> Self {
        for row in TABLE {
            with_recorder(|recorder| describe(recorder, row));
        }
        let (before, rest, gauges) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        Self { metrics, before, rest, gauges }
    }

    /// Passes the growth since the last call, and the current gauges, to the recorder. The series
    /// of a shard end when its lease moves away: growth between the last call and the move is lost.
    pub fn tell(&mut self) {
        let snapshot = self.metrics.snapshot();
        let mut before = BTreeMap::new();
        let mut gauges = BTreeSet::new();
        for series in snapshot.series() {
            let key = (series.instrument.id, series.labels.clone());
            let now = Counted::of(&series.value);
            if series.instrument.kind == Kind::Gauge {
                set(&key, now.sum);
                gauges.insert(key);
                continue;
            }
            let more = now.since(self.before.get(&key));
            self.count(series, &key, &more);
            before.insert(key, now);
        }
        for gone in self.gauges.difference(&gauges) {
            set(gone, f64::NAN);
        }
        self.rest.retain(|key, _| before.contains_key(key));
        (self.before, self.gauges) = (before, gauges);
    }

    /// Passes the growth of a counter or a histogram.
    fn count(&mut self, series: &Series, key: &counted::Key, more: &Counted) {
        let (facade_key, row) = (told_as(key), series.instrument);
        if let Kind::Histogram(bounds) = row.kind {
            let numbers = numbers(bounds, &more.counts, more.sum);
            with_recorder(|recorder| {
                let histogram = recorder.register_histogram(&facade_key, &METADATA);
                for (number, count) in &numbers {
                    histogram.record_many(*number, usize::try_from(*count).unwrap_or(usize::MAX));
                }
            });
            return;
        }
        let whole = if row.unit == Unit::Seconds {
            let rest = self.rest.entry(key.clone()).or_default();
            *rest += more.sum;
            let whole = rest.floor();
            *rest -= whole;
            whole
        } else {
            more.sum
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count, which never goes back"
        )]
        let whole = whole as u64;
        with_recorder(|recorder| {
            recorder.register_counter(&facade_key, &METADATA).increment(whole);
        });
    }
}

impl fmt::Debug for Facade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facade").field("metrics", &self.metrics).finish_non_exhaustive()
    }
}

/// The origin of every metric, for recorders that filter by it.
static METADATA: Metadata<'static> = Metadata::new("kcl_metrics", Level::INFO, None);

/// Sets a gauge of the recorder.
fn set(key: &counted::Key, to: f64) {
    let key = told_as(key);
    with_recorder(|recorder| recorder.register_gauge(&key, &METADATA).set(to));
}

/// The key of a series at the recorder.
fn told_as((id, labels): &counted::Key) -> Key {
    let label = |(label, value): &(crate::Label, std::sync::Arc<str>)| {
        Label::new(label.as_str(), value.to_string())
    };
    Key::from_parts(crate::sheet::row(*id).name, labels.iter().map(label).collect::<Vec<_>>())
}

/// Describes an instrument to the recorder.
fn describe(recorder: &dyn Recorder, row: &Instrument) {
    let unit = match row.unit {
        Unit::Seconds => Some(FacadeUnit::Seconds),
        Unit::Bytes => Some(FacadeUnit::Bytes),
        Unit::Count => Some(FacadeUnit::Count),
        Unit::Flag => None,
    };
    let (name, help) = (row.name.into(), row.help.into());
    match row.kind {
        Kind::Counter => recorder.describe_counter(name, unit, help),
        Kind::Gauge => recorder.describe_gauge(name, unit, help),
        Kind::Histogram(_) => recorder.describe_histogram(name, unit, help),
    }
}
