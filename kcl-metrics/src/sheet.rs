//! The counters and histograms of one scope: a worker, a stream, or a shard.
//!
//! A series is made at its first use. After that a thread finds it under a shared lock and adds to
//! an atomic, so that threads do not wait for each other.

use std::{
    collections::BTreeMap,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::table::{Id, Instrument, Kind, Scope, TABLE};

/// The values of an instrument's labels besides those of its scope, in the instrument's order. A
/// missing label is an empty text.
pub(crate) type Further = [&'static str; 2];

/// No labels besides those of the scope.
pub(crate) const PLAIN: Further = ["", ""];

/// A series of a sheet: its instrument and its labels besides those of the scope.
type Key = (Id, Further);

/// The counters and histograms of one scope. Times are counted in microseconds.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    counters: RwLock<BTreeMap<Key, AtomicU64>>,
    histograms: RwLock<BTreeMap<Key, Histogram>>,
}

/// The counts of a histogram's ranges, and the sum of its samples.
#[derive(Debug)]
struct Histogram {
    /// One count for each bound, and one for samples above all bounds.
    counts: Vec<AtomicU64>,
    /// The sum of the samples in microseconds.
    micros: AtomicU64,
}

/// The current value of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    /// A count, or a time in microseconds.
    Counter(u64),
    /// The count of each range, and the sum in microseconds.
    Histogram(Vec<u64>, u64),
}

impl Sheet {
    /// A sheet with the counters of this scope at zero, because it is known that nothing has
    /// happened yet. Counters with further labels are made at their first use.
    pub(crate) fn of(scope: Scope) -> Self {
        let is_plain = |row: &&Instrument| {
            let is_counter = row.kind == Kind::Counter;
            is_counter && row.scope() == scope && row.further_labels().next().is_none()
        };
        let rows = TABLE.iter().filter(is_plain);
        let counters = rows.map(|row| ((row.id, PLAIN), AtomicU64::new(0))).collect();
        Self { counters: RwLock::new(counters), histograms: RwLock::default() }
    }

    /// Adds to a counter.
    pub(crate) fn add(&self, id: Id, further: Further, count: u64) {
        let counters = self.counters.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(counter) = counters.get(&(id, further)) {
            counter.fetch_add(count, Ordering::Relaxed);
            return;
        }
        drop(counters);
        let mut counters = self.counters.write().unwrap_or_else(PoisonError::into_inner);
        counters.entry((id, further)).or_default().fetch_add(count, Ordering::Relaxed);
    }

    /// Adds a time to a counter in seconds.
    pub(crate) fn add_time(&self, id: Id, further: Further, time: Duration) {
        self.add(id, further, micros(time));
    }

    /// Adds a sample to a histogram.
    pub(crate) fn observe(&self, id: Id, further: Further, time: Duration) {
        let Kind::Histogram(bounds) = row(id).kind else { return };
        let histograms = self.histograms.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(histogram) = histograms.get(&(id, further)) {
            return histogram.observe(bounds, time);
        }
        drop(histograms);
        let mut histograms = self.histograms.write().unwrap_or_else(PoisonError::into_inner);
        let histogram = histograms.entry((id, further)).or_insert_with(|| Histogram::of(bounds));
        histogram.observe(bounds, time);
    }

    /// The current value of every series.
    pub(crate) fn figures(&self) -> Vec<(Id, Further, Figure)> {
        let counters = self.counters.read().unwrap_or_else(PoisonError::into_inner);
        let counted = |((id, further), counter): (&Key, &AtomicU64)| {
            (*id, *further, Figure::Counter(counter.load(Ordering::Relaxed)))
        };
        let mut all: Vec<_> = counters.iter().map(counted).collect();
        let histograms = self.histograms.read().unwrap_or_else(PoisonError::into_inner);
        all.extend(histograms.iter().map(|((id, further), it)| (*id, *further, it.figure())));
        all
    }
}

impl Histogram {
    fn of(bounds: &[f64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { counts, micros: AtomicU64::new(0) }
    }

    fn observe(&self, bounds: &[f64], time: Duration) {
        let seconds = time.as_secs_f64();
        let range = bounds.partition_point(|bound| *bound < seconds);
        if let Some(count) = self.counts.get(range) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.micros.fetch_add(micros(time), Ordering::Relaxed);
    }

    fn figure(&self) -> Figure {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        Figure::Histogram(counts, self.micros.load(Ordering::Relaxed))
    }
}

/// The row of an instrument. The table is in the order of [`Id`].
pub(crate) const fn row(id: Id) -> &'static Instrument {
    &TABLE[id as usize]
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_names() {
        for instrument in TABLE {
            assert_eq!(row(instrument.id).name, instrument.name);
        }
    }

    #[test]
    fn a_bound_belongs_to_the_range_below_it() {
        let sheet = Sheet::default();
        let id = Id::KeeperLateness;
        for millis in [10, 11, 6_000] {
            sheet.observe(id, PLAIN, Duration::from_millis(millis));
        }
        let figure = Figure::Histogram(vec![1, 1, 0, 0, 0, 0, 1], 6_021_000);
        assert_eq!(sheet.figures(), [(id, PLAIN, figure)]);
    }
}
