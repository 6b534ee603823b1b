//! The part of the hash-key space a shard covers.

use std::{fmt, str::FromStr};

/// A point of the 128-bit space that partition keys are hashed into.
pub type HashKey = u128;

/// An inclusive range of hash keys.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct HashRange {
    /// The first hash key of the range.
    pub start: HashKey,
    /// The last hash key of the range.
    pub end: HashKey,
}

impl HashRange {
    /// The whole space.
    pub const ALL: Self = Self { start: 0, end: HashKey::MAX };

    /// The range from `start` to `end`, both included.
    #[must_use]
    pub const fn new(start: HashKey, end: HashKey) -> Self {
        Self { start, end }
    }

    /// Whether `key` lies in the range.
    #[must_use]
    pub const fn contains(&self, key: HashKey) -> bool {
        self.start <= key && key <= self.end
    }

    /// Whether all of `other` lies in the range.
    #[must_use]
    pub const fn covers(&self, other: &Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// The middle of the range, where placement rules match a child. Of one that is backwards,
    /// which a row written by hand can hold: its start.
    #[must_use]
    pub const fn midpoint(&self) -> HashKey {
        self.start + self.end.saturating_sub(self.start) / 2
    }

    /// The two halves a split in the middle makes; `None` for a range of one key.
    #[must_use]
    pub const fn halves(&self) -> Option<(Self, Self)> {
        if self.start >= self.end {
            return None;
        }
        let middle = self.midpoint();
        Some((Self::new(self.start, middle), Self::new(middle + 1, self.end)))
    }
}

impl fmt::Display for HashRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start, self.end)
    }
}

impl FromStr for HashRange {
    type Err = std::num::ParseIntError;

    /// Parses `START-END` in decimal.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (start, end) = text.split_once('-').unwrap_or((text, ""));
        Ok(Self::new(start.parse()?, end.parse()?))
    }
}
