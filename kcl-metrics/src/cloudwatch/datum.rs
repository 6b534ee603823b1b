//! The data of CloudWatch: a metric with its dimensions and its value in one period.

use crate::counted::numbers;

/// One metric with one set of dimensions, in one period.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Datum {
    pub(super) name: &'static str,
    /// Names and values. All data of one name have them in the same order.
    pub(super) dimensions: Vec<(&'static str, String)>,
    pub(super) unit: Unit,
    pub(super) amount: Amount,
}

/// The value of a datum.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Amount {
    /// One number.
    One(f64),
    /// The statistics of several samples.
    Statistics(Statistics),
    /// Numbers, each with how often it occurred, so that CloudWatch can compute percentiles. The
    /// service takes at most 150 of them.
    Spread(Vec<(f64, u64)>),
}

/// The statistics of several samples, a `StatisticSet` of CloudWatch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Statistics {
    pub(super) count: u64,
    pub(super) sum: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

/// A unit of CloudWatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Count,
    Bytes,
    Seconds,
    Milliseconds,
    None,
}

impl Unit {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Bytes => "Bytes",
            Self::Seconds => "Seconds",
            Self::Milliseconds => "Milliseconds",
            Self::None => "None",
        }
    }
}

impl Statistics {
    pub(super) const fn of(number: f64) -> Self {
        Self { count: 1, sum: number, least: number, most: number }
    }

    pub(super) fn add(&mut self, number: f64) {
        self.count += 1;
        self.sum += number;
        self.least = self.least.min(number);
        self.most = self.most.max(number);
    }
}

/// The samples of a histogram, estimated by [`numbers`].
pub(super) fn spread(bounds: &[f64], counts: &[u64], sum: f64) -> Amount {
    Amount::Spread(numbers(bounds, counts, sum))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counted::float;

    const BOUNDS: &[f64] = &[1.0, 10.0];

    fn sum(amount: &Amount) -> f64 {
        let Amount::Spread(numbers) = amount else { return f64::NAN };
        numbers.iter().map(|(number, count)| number * float(*count)).sum()
    }

    #[test]
    fn the_numbers_lie_in_their_ranges_and_add_up() {
        let amount = spread(BOUNDS, &[2, 1, 0], 5.0);
        let Amount::Spread(numbers) = &amount else { panic!("{amount:?}") };
        assert!(matches!(numbers[..], [(low, 2), (high, 1)]
            if (0.0..=1.0).contains(&low) && (1.0..=10.0).contains(&high)));
        assert!((sum(&amount) - 5.0).abs() < 1e-9, "{amount:?}");
    }

    #[test]
    fn what_is_above_all_bounds_takes_what_is_left_of_the_sum() {
        let amount = spread(BOUNDS, &[2, 0, 1], 61.0);
        assert_eq!(amount, Amount::Spread(vec![(0.5, 2), (60.0, 1)]));
        assert_eq!(spread(BOUNDS, &[0, 0, 1], 3.0), Amount::Spread(vec![(10.0, 1)]));
    }

    #[test]
    fn nothing_is_no_number() {
        assert_eq!(spread(BOUNDS, &[0, 0, 0], 0.0), Amount::Spread(Vec::new()));
    }
}
