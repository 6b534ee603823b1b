//! Makes data of snapshots, under the names of the table: counters and histograms as their growth
//! in the period, gauges as their value at its end.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    datum::{Amount, Datum, Unit, spread},
    settings::Level,
};
use crate::{
    Id, Instrument, Kind, Label, Series, Snapshot,
    counted::{Counted, Key},
    table::{Scope, Unit as TableUnit},
};

/// The growth of the series in the current period.
#[derive(Debug)]
pub(super) struct Ours {
    level: Level,
    /// The counters and histograms in the last snapshot.
    before: BTreeMap<Key, Counted>,
    /// Their growth since the last [`Ours::take`], by the labels that are sent.
    since: BTreeMap<Key, Counted>,
}

impl Ours {
    pub(super) const fn new(level: Level) -> Self {
        Self { level, before: BTreeMap::new(), since: BTreeMap::new() }
    }

    /// Adds the growth since the last snapshot. The series of a shard end when its lease moves, so
    /// snapshots are taken more often than data are sent.
    pub(super) fn look(&mut self, snapshot: &Snapshot) {
        let mut now = BTreeMap::new();
        for series in snapshot.series().iter().filter(|it| it.instrument.kind != Kind::Gauge) {
            let counted = Counted::of(&series.value);
            let key = (series.instrument.id, series.labels.clone());
            let more = counted.since(self.before.get(&key));
            self.since.entry(self.sent_as(series)).or_default().add(&more);
            now.insert(key, counted);
        }
        self.before = now;
    }

    /// The data of the period that ends now: the growth since the last call, and the gauges.
    pub(super) fn take(&mut self, snapshot: &Snapshot) -> Vec<Datum> {
        self.look(snapshot);
        let counted = std::mem::take(&mut self.since).into_iter().map(|(key, counted)| {
            let amount = match row(key.0).kind {
                Kind::Histogram(bounds) => spread(bounds, &counted.counts, counted.sum),
                _ => Amount::One(counted.sum),
            };
            (key, amount)
        });
        let stand = self.gauges(snapshot).into_iter().map(|(key, it)| (key, Amount::One(it)));
        let is_something = |(_, amount): &(Key, Amount)| *amount != Amount::Spread(Vec::new());
        let all = counted.chain(stand).filter(is_something);
        all.map(|((id, labels), amount)| datum(row(id), labels, amount)).collect()
    }

    /// The gauges by the labels that are sent. Of several shards that are sent as one, the largest
    /// value counts.
    fn gauges(&self, snapshot: &Snapshot) -> BTreeMap<Key, f64> {
        let mut all: BTreeMap<Key, f64> = BTreeMap::new();
        // The gauge of the build is left out: its value says nothing, and its label, which
        // changes with each release, would make a new metric that CloudWatch charges for.
        let is_gauge =
            |it: &&Series| it.instrument.kind == Kind::Gauge && it.instrument.id != Id::Build;
        for series in snapshot.series().iter().filter(is_gauge) {
            let number = Counted::of(&series.value).sum;
            let largest = all.entry(self.sent_as(series)).or_insert(number);
            *largest = largest.max(number);
        }
        all
    }

    /// The key under which a series is sent: without the shard at [`Level::Summary`].
    fn sent_as(&self, series: &Series) -> Key {
        let mut labels = series.labels.clone();
        if self.level == Level::Summary && series.instrument.scope() == Scope::Shard {
            labels.retain(|(label, _)| *label != Label::Shard);
        }
        (series.instrument.id, labels)
    }
}

fn row(id: Id) -> &'static Instrument {
    crate::sheet::row(id)
}

/// A series as a datum: its labels become dimensions.
fn datum(row: &'static Instrument, labels: Vec<(Label, Arc<str>)>, amount: Amount) -> Datum {
    let dimension = |(label, value): (Label, Arc<str>)| (label.as_str(), value.to_string());
    let unit = match row.unit {
        TableUnit::Count => Unit::Count,
        TableUnit::Seconds => Unit::Seconds,
        TableUnit::Bytes => Unit::Bytes,
        TableUnit::Flag => Unit::None,
    };
    Datum { name: row.name, dimensions: labels.into_iter().map(dimension).collect(), unit, amount }
}

#[cfg(test)]
mod tests {
    use kcl_core::{
        lease::LeaseKey,
        observe::{Observer, Subject, WorkerEvent, testing},
    };

    use super::*;
    use crate::Metrics;

    fn happens(metrics: &Metrics, lease: &LeaseKey, wanted: fn(&WorkerEvent) -> bool) {
        let event = testing::events(lease).into_iter().find(wanted).unwrap();
        metrics.event(&Subject::for_test("it", event.lease()), &event);
    }

    /// Counts failures of the processor with a batch of the shard.
    fn fails(metrics: &Metrics, lease: &LeaseKey, times: u64) {
        let sheet = metrics.facts().shards[lease].sheet.clone();
        sheet.add(Id::BatchFailures, crate::sheet::PLAIN, times);
    }

    fn number(data: &[Datum], name: &str) -> Option<f64> {
        let datum = data.iter().find(|datum| datum.name == name)?;
        let Amount::One(number) = datum.amount else { return None };
        Some(number)
    }

    #[test]
    fn what_a_shard_did_before_it_moved_on_and_came_back_is_sent_once() {
        let (metrics, mut ours) = (Metrics::new(), Ours::new(Level::Summary));
        let lease: LeaseKey = "orders/7/shardId-000000000000".parse().unwrap();
        let failures = |data: &[Datum]| number(data, "kcl_batch_failures_total");
        let gain = |event: &WorkerEvent| matches!(event, WorkerEvent::LeaseGained { .. });
        let lose = |event: &WorkerEvent| matches!(event, WorkerEvent::LeaseLost { .. });
        happens(&metrics, &lease, gain);
        fails(&metrics, &lease, 5);
        ours.look(&metrics.snapshot());
        happens(&metrics, &lease, lose);
        ours.look(&metrics.snapshot());
        happens(&metrics, &lease, gain);
        fails(&metrics, &lease, 2);
        assert_eq!(failures(&ours.take(&metrics.snapshot())), Some(7.0));
        assert_eq!(failures(&ours.take(&metrics.snapshot())), Some(0.0));
        fails(&metrics, &lease, 1);
        // The lease moves away and back between two snapshots: its counters begin at zero.
        happens(&metrics, &lease, lose);
        happens(&metrics, &lease, gain);
        fails(&metrics, &lease, 1);
        assert_eq!(failures(&ours.take(&metrics.snapshot())), Some(1.0));
        happens(&metrics, &lease, lose);
        assert_eq!(failures(&ours.take(&metrics.snapshot())), None);
    }
}
