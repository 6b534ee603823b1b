//! What came of each figure since the last look, for those who tell others that.

use std::sync::Arc;

use crate::{Id, Label, Value};

/// A series: its instrument and what its labels say.
pub(crate) type Key = (Id, Vec<(Label, Arc<str>)>);

/// Something that only grows: a counter, or what is in each range of a histogram, and the sum.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) counts: Vec<u64>,
    pub(crate) sum: f64,
}

impl Counted {
    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::Count(count) => Self { counts: Vec::new(), sum: float(*count) },
            Value::Number(number) => Self { counts: Vec::new(), sum: *number },
            Value::Histogram(counts, sum) => Self { counts: counts.clone(), sum: *sum },
        }
    }

    /// What came since; all of it where it began anew: a shard that is read here again.
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

    #[cfg(feature = "cloudwatch")]
    pub(crate) fn add(&mut self, more: &Self) {
        self.counts.resize(self.counts.len().max(more.counts.len()), 0);
        for (count, more) in self.counts.iter_mut().zip(&more.counts) {
            *count += more;
        }
        self.sum += more.sum;
    }
}

/// Numbers that are in these ranges and add up to `sum`: of a histogram nothing else is known. Each
/// stands for all of its range, as far into it as makes the sum right. `counts` has one more than
/// there are bounds: what is above them all.
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

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
pub(crate) const fn float(count: u64) -> f64 {
    count as f64
}
