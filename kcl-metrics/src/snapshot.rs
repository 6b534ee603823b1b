//! What each figure is at one moment.

use std::sync::Arc;

use kcl_core::env::Time;

use crate::{
    facts::{Facts, ShardFacts},
    sheet::{Figure, Further, PLAIN, Sheet, row},
    table::{Id, Instrument, Label},
};

/// What each figure of a worker is at one moment: in the order of the table, then of the labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    series: Vec<Series>,
}

/// One figure.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Series {
    /// Of which instrument.
    pub instrument: &'static Instrument,
    /// Its labels, in the instrument's order.
    pub labels: Vec<(Label, Arc<str>)>,
    /// What it is.
    pub value: Value,
}

/// What a figure is.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A count.
    Count(u64),
    /// A number of the instrument's unit.
    Number(f64),
    /// How many were in each range of a histogram, the last one without a bound; and their sum.
    Histogram(Vec<u64>, f64),
}

impl Snapshot {
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

    /// Every figure.
    #[must_use]
    pub fn series(&self) -> &[Series] {
        &self.series
    }

    /// The figure of this name with these labels, as a number: of a histogram its count. `None` if
    /// there is none, or more than one: that is not zero.
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

/// Figures as they are collected.
struct Collected<'a> {
    application: &'a Arc<str>,
    series: Vec<Series>,
}

impl Collected<'_> {
    /// `of`: the stream, and the shard, if it is about one.
    fn push(&mut self, id: Id, of: &[&Arc<str>], further: Further, value: Value) {
        let instrument = row(id);
        let scope = [Label::Application, Label::Stream, Label::Shard];
        let values = std::iter::once(self.application).chain(of.iter().copied()).cloned();
        let of_scope = scope.into_iter().zip(values);
        let more = instrument.further_labels().zip(further.map(Arc::from));
        let labels = of_scope.chain(more).collect();
        self.series.push(Series { instrument, labels, value });
    }

    fn number(&mut self, id: Id, of: &[&Arc<str>], number: Option<f64>) {
        if let Some(number) = number {
            self.push(id, of, PLAIN, Value::Number(number));
        }
    }

    fn count(&mut self, id: Id, count: u64) {
        self.push(id, &[], PLAIN, Value::Count(count));
    }

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

    fn shard(&mut self, held: &ShardFacts, now: Time) {
        let of = [&held.stream, &Arc::from(held.shard.as_str())];
        self.sheet(&of, &held.sheet);
        self.number(Id::Lag, &of, held.lag(now).map(|lag| lag.as_secs_f64()));
        self.number(Id::RecordAge, &of, held.age.map(|age| age.as_secs_f64()));
    }

    fn streams(&mut self, facts: &Facts, now: Time) {
        for stream in facts.streams.keys() {
            let held = facts.shards.values().filter(|held| held.stream == *stream);
            let lag = held.filter_map(|held| held.lag(now)).max();
            self.number(Id::LagMax, &[stream], lag.map(|lag| lag.as_secs_f64()));
        }
    }

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
