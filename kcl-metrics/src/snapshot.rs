//! The value of every series at one moment, read from the counters and the state of a worker.

use std::sync::Arc;

use kcl_core::env::Time;

use crate::{
    facts::{Facts, ShardFacts},
    sheet::{Figure, Further, PLAIN, Sheet, row},
    table::{Id, Instrument, Label},
};

/// The value of every series of a worker at one moment, in the order of the table and then of the
/// labels. A series whose value is unknown is absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    series: Vec<Series>,
}

/// A series: an instrument with one set of label values.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Series {
    /// The instrument.
    pub instrument: &'static Instrument,
    /// The labels and their values, in the instrument's order.
    pub labels: Vec<(Label, Arc<str>)>,
    /// The value.
    pub value: Value,
}

/// The value of a series.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Count(u64),
    /// A number in the instrument's unit.
    Number(f64),
    /// The count of samples in each range of a histogram, and the sum of the samples in the
    /// instrument's unit. The counts are not cumulative; the last one is for samples above all
    /// bounds.
    Histogram(Vec<u64>, f64),
}

impl Snapshot {
    /// Reads all series of a worker at the time `now`.
    pub(crate) fn of(application: &Arc<str>, worker: &Sheet, facts: &Facts, now: Time) -> Self {
        let mut all = Collected { application, series: Vec::new() };
        all.sheet(&[], worker);
        for (stream, sheet) in &facts.streams {
            all.sheet(&[stream], sheet);
        }
        for held in facts.shards.values() {
            all.shard(held, now);
        }
        all.streams(facts, now);
        all.worker(facts, now);
        let Collected { mut series, .. } = all;
        series.sort_by(|one, other| {
            let by = |it: &Series| (it.instrument.id, it.labels.clone());
            by(one).cmp(&by(other))
        });
        Self { series }
    }

    /// Every series.
    #[must_use]
    pub fn series(&self) -> &[Series] {
        &self.series
    }

    /// The value of the series of this name that has these labels and perhaps more; for a histogram
    /// the count of its samples. `None` if no series or more than one fits.
    #[must_use]
    pub fn number(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let has = |series: &Series, (label, value): &(&str, &str)| {
            series.labels.iter().any(|(of, is)| of.as_str() == *label && **is == **value)
        };
        let mut found = self.series.iter().filter(|series| {
            series.instrument.name == name && labels.iter().all(|label| has(series, label))
        });
        let only = found.next()?;
        found.next().is_none().then(|| only.value.as_number())
    }
}

impl Value {
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, as all in Prometheus")]
    fn as_number(&self) -> f64 {
        match self {
            Self::Count(count) => *count as f64,
            Self::Number(number) => *number,
            Self::Histogram(counts, _) => counts.iter().sum::<u64>() as f64,
        }
    }
}

/// The series that were read so far.
struct Collected<'a> {
    application: &'a Arc<str>,
    series: Vec<Series>,
}

impl Collected<'_> {
    /// Adds a series. `of` is empty, or has the stream, or the stream and the shard.
    fn push(&mut self, id: Id, of: &[&Arc<str>], further: Further, value: Value) {
        let instrument = row(id);
        let scope = [Label::Application, Label::Stream, Label::Shard];
        let values = std::iter::once(self.application).chain(of.iter().copied()).cloned();
        let of_scope = scope.into_iter().zip(values);
        let more = instrument.further_labels().zip(further.map(Arc::from));
        let labels = of_scope.chain(more).collect();
        self.series.push(Series { instrument, labels, value });
    }

    /// Adds a gauge, unless its value is unknown.
    fn number(&mut self, id: Id, of: &[&Arc<str>], number: Option<f64>) {
        if let Some(number) = number {
            self.push(id, of, PLAIN, Value::Number(number));
        }
    }

    /// Adds a whole number of the worker.
    fn count(&mut self, id: Id, count: u64) {
        self.push(id, &[], PLAIN, Value::Count(count));
    }

    /// Adds the counters and histograms of a scope.
    fn sheet(&mut self, of: &[&Arc<str>], sheet: &Sheet) {
        for (id, further, figure) in sheet.figures() {
            let instrument = row(id);
            let value = match figure {
                Figure::Counter(count) if instrument.is_whole() => Value::Count(count),
                Figure::Counter(count) => Value::Number(instrument.scaled(count)),
                Figure::Histogram(counts, sum) => Value::Histogram(counts, instrument.scaled(sum)),
            };
            self.push(id, of, further, value);
        }
    }

    /// Adds the series of a held shard.
    fn shard(&mut self, held: &ShardFacts, now: Time) {
        let of = [&held.stream, &Arc::from(held.shard.as_str())];
        self.sheet(&of, &held.sheet);
        self.number(Id::Lag, &of, held.lag(now).map(|lag| lag.as_secs_f64()));
        self.number(Id::RecordAge, &of, held.age.map(|age| age.as_secs_f64()));
    }

    /// Adds the largest lag of each stream.
    fn streams(&mut self, facts: &Facts, now: Time) {
        for stream in facts.streams.keys() {
            let held = facts.shards.values().filter(|held| held.stream == *stream);
            let lag = held.filter_map(|held| held.lag(now)).max();
            self.number(Id::LagMax, &[stream], lag.map(|lag| lag.as_secs_f64()));
        }
    }

    /// Adds the gauges of the worker.
    fn worker(&mut self, facts: &Facts, now: Time) {
        let all = || facts.shards.values();
        let how_many = |is: fn(&ShardFacts) -> bool| all().filter(|held| is(held)).count() as u64;
        let oldest = all().filter_map(|held| held.begun).min();
        self.number(Id::BatchAge, &[], oldest.map(|at| now.since(at).as_secs_f64()));
        self.count(Id::ShardsStalled, how_many(|held| held.stalled));
        self.count(Id::ShardsStopped, how_many(|held| held.stopped));
        self.count(Id::LeasesHeld, how_many(|_| true));
        let beat = facts.acknowledged.map(|at| now.since(at).as_secs_f64());
        self.number(Id::BeatAge, &[], beat);
        if let Some(valid) = facts.valid {
            self.count(Id::SessionValid, valid.into());
        }
        self.count(Id::Closed, facts.closed.into());
        self.count(Id::Planning, facts.planning.into());
        if let Some(unassigned) = facts.unassigned {
            self.count(Id::Unassigned, unassigned);
        }
        if let Some(workers) = facts.wanted(now) {
            self.count(Id::DesiredWorkers, workers);
        }
        let unread = facts.unread(now).map(|age| age.as_secs_f64());
        self.number(Id::UnreadAge, &[], unread);
        self.number(Id::Retention, &[], facts.retention.map(|kept| kept.as_secs_f64()));
        let version = [env!("CARGO_PKG_VERSION"), ""];
        self.push(Id::Build, &[], version, Value::Count(1));
    }
}
