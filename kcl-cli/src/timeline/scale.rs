//! The axis of time, shared by drawings as SVG and as text.

/// Maps a span of time to a width.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    from: u64,
    to: u64,
    width: usize,
}

impl Scale {
    /// A scale from `from` to `to`, in microseconds, over `width` columns or other units.
    pub(crate) const fn new((from, to): (u64, u64), width: usize) -> Self {
        Self { from, to, width }
    }

    /// The place of a time. A time outside of the span is at the edge.
    pub(crate) fn place(&self, at: u64) -> usize {
        let over = u128::from(self.to.saturating_sub(self.from).max(1));
        let at = u128::from(at.clamp(self.from, self.to) - self.from);
        let width = u128::try_from(self.width).unwrap_or(0);
        usize::try_from(at * width / over).unwrap_or(0)
    }

    /// The span of time that a column stands for.
    pub(crate) fn column(&self, number: usize) -> (u64, u64) {
        let over = u128::from(self.to.saturating_sub(self.from));
        let at = |number: usize| {
            let share = over * u128::try_from(number).unwrap_or(0);
            let width = u128::try_from(self.width.max(1)).unwrap_or(1);
            self.from + u64::try_from(share / width).unwrap_or(0)
        };
        (at(number), at(number + 1).max(at(number) + 1))
    }

    /// Round times for the marks of the axis, at most `most`.
    pub(crate) fn ticks(&self, most: u64) -> impl Iterator<Item = u64> {
        let least = self.to.saturating_sub(self.from) / most.max(1);
        let millis = [10, 20, 50, 100, 200, 500].into_iter();
        let seconds = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400];
        let steps = millis.chain(seconds.map(|step| step * 1_000)).map(|step| step * 1_000);
        let step = steps.into_iter().find(|step| *step >= least);
        let step = step.unwrap_or(86_400_000_000);
        let (first, to) = (self.from.div_ceil(step), self.to);
        (first..).map(move |number| number * step).take_while(move |at| *at <= to)
    }
}

/// Microseconds as text in seconds, to the millisecond.
pub(crate) fn seconds(micros: u64) -> String {
    let millis = micros / 1_000;
    let text = format!("{}.{:03}", millis / 1_000, millis % 1_000);
    format!("{}s", text.trim_end_matches('0').trim_end_matches('.'))
}

/// The width of lines, `60..=400` columns: that of `COLUMNS`, else of the terminal, else 100.
pub(crate) fn terminal_width() -> usize {
    let told = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let seen = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    told.or_else(seen).unwrap_or(100).clamp(60, 400)
}
