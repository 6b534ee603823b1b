//! Computes by how much counters and histograms grew between two snapshots: CloudWatch and the
//! crate `metrics` take increments, and a snapshot has totals.

use std::sync::Arc;

use crate::{Id, Label, Value};

/// The identity of a series: its instrument and the values of its labels.
pub(crate) type Key = (Id, Vec<(Label, Arc<str>)>);

/// The value of a series, or its growth: the sum, and for a histogram the count in each range.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    /// The counts of a histogram's ranges; empty for a counter or a gauge.
    pub(crate) counts: Vec<u64>,
    /// The sum of a histogram, or the value of a counter or a gauge.
    pub(crate) sum: f64,
}

impl Counted {
    /// The value of a series in a snapshot.
    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::Count(count) => Self { counts: Vec::new(), sum: float(*count) },
            Value::Number(number) => Self { counts: Vec::new(), sum: *number },
            Value::Histogram(counts, sum) => Self { counts: counts.clone(), sum: *sum },
        }
    }

    /// The growth since `before`; the whole value if the series is new, or smaller than before. It
    /// is smaller if the worker lost a shard and got it again: its series began at zero.
    pub(crate) fn since(&self, before: Option<&Self>) -> Self {
        let Some(before) = before.filter(|before| before.sum <= self.sum) else {
            return self.clone();
        };
        let counts = self.counts.iter().enumerate();
        let counts = counts.map(|(range, count)| {
            count.saturating_sub(before.counts.get(range).copied().unwrap_or(0))
        });
        Self { counts: counts.collect(), sum: self.sum - before.sum }
    }

    /// Adds the growth of another interval, or of another series.
    #[cfg(feature = "cloudwatch")]
    pub(crate) fn add(&mut self, more: &Self) {
        self.counts.resize(self.counts.len().max(more.counts.len()), 0);
        for (count, more) in self.counts.iter_mut().zip(&more.counts) {
            *count += more;
        }
        self.sum += more.sum;
    }
}

/// Estimates the samples of a histogram: numbers, each with how often it occurs. Every range gets
/// one number that stands for all of its samples. The numbers lie equally far into their ranges, so
/// far that all samples together give `sum`. `counts` has one entry more than `bounds`, for samples
/// above all bounds.
pub(crate) fn numbers(bounds: &[f64], counts: &[u64], sum: f64) -> Vec<(f64, u64)> {
    let below = std::iter::once(0.0).chain(bounds.iter().copied());
    let ranges: Vec<(f64, f64, u64)> = below
        .zip(bounds.iter().copied())
        .zip(counts)
        .map(|((low, high), count)| (low, high, *count))
        .collect();
    let total = |part: f64| -> f64 {
        ranges.iter().map(|(low, high, count)| (low + (high - low) * part) * float(*count)).sum()
    };
    let (least, most) = (total(0.0), total(1.0));
    let above = counts.get(bounds.len()).copied().unwrap_or(0);
    let part = if above == 0 && most > least {
        ((sum - least) / (most - least)).clamp(0.0, 1.0)
    } else {
        0.5
    };
    let mut numbers: Vec<(f64, u64)> =
        ranges.iter().map(|(low, high, count)| (low + (high - low) * part, *count)).collect();
    if above > 0 {
        let last = bounds.last().copied().unwrap_or(0.0);
        numbers.push((last.max((sum - total(part)) / float(above)), above));
    }
    numbers.retain(|(_, count)| *count > 0);
    numbers
}

/// A count as a float.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
pub(crate) const fn float(count: u64) -> f64 {
    count as f64
}
