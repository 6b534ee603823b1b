//! What the words of a script mean: numbers and times.

use std::time::Duration;

use kcl_core::env::Rng;

/// An argument of an action, as text and as a draw.
pub(crate) trait Word: Copy {
    /// What is expected, for errors.
    const WHAT: &'static str;

    fn read(text: &str) -> Option<Self>;

    fn show(self) -> String;

    fn draw(rng: &mut Rng) -> Self;

    /// Half of it: shrunk scripts have small numbers.
    fn half(self) -> Self;

    /// A rounder one.
    fn round(self) -> Self {
        self
    }
}

/// Which worker or shard, or how many.
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

/// Chances: so many of a thousand.
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

/// Spans of time.
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
