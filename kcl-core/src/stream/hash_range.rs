//! Ranges of hash keys, as shards cover them.

use std::{fmt, str::FromStr};

/// A hash key: Kinesis maps each partition key to one by MD5, from 0 to 2^128 - 1.
pub type HashKey = u128;

/// A range of hash keys; both ends are included. It is not checked: `start` may be above `end` in a
/// row that was written by hand.
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
    /// All hash keys.
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

    /// The middle of the range, rounded down. Placement rules compare it to find the rule of a
    /// child shard. Returns `start` if `start` is above `end`.
    #[must_use]
    pub const fn midpoint(&self) -> HashKey {
        self.start + self.end.saturating_sub(self.start) / 2
    }

    /// The two ranges that a split in the middle makes. `None` for a range of one key.
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

    /// Parses `START-END`, two decimal numbers.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (start, end) = text.split_once('-').unwrap_or((text, ""));
        Ok(Self::new(start.parse()?, end.parse()?))
    }
}
