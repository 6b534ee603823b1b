//! The arguments of actions: how numbers and times are read, written, drawn and shortened.
//!
//! The type of an argument says what it means: `usize` is a worker, a shard or a number of them;
//! `u64` is a chance per thousand; `Duration` is a span of time.

use std::time::Duration;

use kcl_core::env::Rng;

/// An argument of an action.
pub(crate) trait Word: Copy {
    /// What a script has to have here, for messages of errors.
    const WHAT: &'static str;

    /// Reads it; `None` if the text is no such value.
    fn read(text: &str) -> Option<Self>;

    /// The text that [`read`](Self::read) reads.
    fn show(self) -> String;

    /// Draws a value in a range that is worth playing.
    fn draw(rng: &mut Rng) -> Self;

    /// Half of it: shrunk scripts get small numbers.
    fn half(self) -> Self;

    /// A rounder value, for shrunk scripts.
    fn round(self) -> Self {
        self
    }
}

/// A worker or shard by its number, or how many of them.
impl Word for usize {
    const WHAT: &'static str = "a whole number";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn show(self) -> String {
        self.to_string()
    }

    fn draw(rng: &mut Rng) -> Self {
        Self::try_from(rng.below(8)).unwrap_or(0)
    }

    fn half(self) -> Self {
        self / 2
    }
}

/// A chance, per thousand.
impl Word for u64 {
    const WHAT: &'static str = "a chance of a thousand";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok().filter(|chance| *chance <= 1_000)
    }

    fn show(self) -> String {
        self.to_string()
    }

    fn draw(rng: &mut Rng) -> Self {
        50 + rng.below(900)
    }

    fn half(self) -> Self {
        self
    }
}

/// A span of time, in the largest unit that is exact.
impl Word for Duration {
    const WHAT: &'static str = "a time like 6s, 1500ms or 250us";

    fn read(text: &str) -> Option<Self> {
        let digits = text.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().ok()?;
        match unit {
            "s" => Some(Self::from_secs(number)),
            "ms" => Some(Self::from_millis(number)),
            "us" => Some(Self::from_micros(number)),
            "ns" => Some(Self::from_nanos(number)),
            _ => None,
        }
    }

    fn show(self) -> String {
        let nanos = self.as_nanos();
        let units = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us"), (1, "ns")];
        let exact = units.into_iter().find(|(size, _)| nanos.is_multiple_of(*size));
        let (size, unit) = exact.unwrap_or((1, "ns"));
        format!("{}{unit}", nanos / size)
    }

    fn draw(rng: &mut Rng) -> Self {
        Self::from_millis(500 + rng.below(14_000))
    }

    fn half(self) -> Self {
        self / 2
    }

    fn round(self) -> Self {
        let coarse = if self.as_millis() >= 2_000 { 1_000 } else { 100 };
        let millis = self.as_millis() / coarse * coarse;
        Self::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }
}
