//! What CloudWatch is told: figures with dimensions.

/// One figure of a period.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Datum {
    pub(super) name: &'static str,
    /// In one order for each name.
    pub(super) dimensions: Vec<(&'static str, String)>,
    pub(super) unit: Unit,
    pub(super) amount: Amount,
}

/// What a figure is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Amount {
    /// One number.
    One(f64),
    /// Of several numbers what CloudWatch keeps of them.
    Statistics(Statistics),
    /// Numbers, and how often each was: so percentiles can be asked for. At most 150.
    Spread(Vec<(f64, u64)>),
}

/// What CloudWatch keeps of several numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Statistics {
    pub(super) count: u64,
    pub(super) sum: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

/// As CloudWatch names it.
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

/// Numbers that are in these ranges and add up to `sum`: of a histogram nothing else is known. Each
/// stands for all of its range, as far into it as makes the sum right. `counts` has one more than
/// there are bounds: what is above them all.
pub(super) fn spread(bounds: &[f64], counts: &[u64], sum: f64) -> Amount {
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
    Amount::Spread(numbers)
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
pub(super) const fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

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
