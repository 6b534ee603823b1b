//! How leases are shared out.

use serde::{Deserialize, Serialize};

/// How leases that no rule places are shared out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Balance {
    /// By count: no two workers differ by more than one lease, with the fewest possible moves.
    #[default]
    Even,
    /// By load: see [`Weighting`].
    Weighted(Weighting),
    /// Not at all: nothing moves that a live worker holds, whatever rules and limits say. What
    /// nobody holds goes where the fewest leases are.
    Keep,
}

impl Balance {
    /// Its name, as settings name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Even => "even",
            Self::Weighted(_) => "weighted",
            Self::Keep => "keep",
        }
    }
}

/// When load is worth a move.
///
/// A worker is relieved when its load is above the level that a perfect split would reach by more
/// than the tolerance, and only by moves that together bring it down by more than the tolerance. A
/// worker that is below the level by more than the tolerance, because it has just joined, is given
/// what the others have above the level. The tolerance is `hysteresis_percent` of the level, but at
/// least `floor`, so that nothing moves for differences that do not matter, at no load above all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Weighting {
    /// The tolerance, in percent of the level.
    pub hysteresis_percent: u32,
    /// The least tolerance, in the unit of the weights. A lease that weighs no more counts as idle:
    /// it goes where the fewest leases are.
    pub floor: u64,
}

impl Default for Weighting {
    /// A tenth (the Java KCL's re-balance threshold), and 64 KiB a second: a sixteenth of what one
    /// shard takes in.
    fn default() -> Self {
        Self { hysteresis_percent: 10, floor: 64 * 1024 }
    }
}
