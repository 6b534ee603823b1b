//! The ways of sharing out leases, as settings name them.

use serde::{Deserialize, Serialize};

/// How leases are shared out that no placement rule places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Balance {
    /// By number: no two workers differ by more than one lease, with the fewest possible moves.
    #[default]
    Even,
    /// By load, in measured bytes: see [`Weighting`].
    Weighted(Weighting),
    /// Not at all: no lease of a live worker moves, whatever rules and limits say. A lease without
    /// an owner goes to the worker with the fewest leases.
    Keep,
}

impl Balance {
    /// The name in settings: `even`, `weighted` or `keep`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Even => "even",
            Self::Weighted(_) => "weighted",
            Self::Keep => "keep",
        }
    }
}

/// When a difference in load is worth a move.
///
/// The *level* is the load of each worker in a perfect split. The *tolerance* is
/// `hysteresis_percent` of the level, but at least `floor`, so that small differences move nothing.
///
/// - A worker above the level by more than the tolerance gives leases away, if these moves together
///   lower its load by more than the tolerance.
/// - A worker below the level by more than the tolerance, as one that has just joined, gets what
///   the others have above the level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Weighting {
    /// The tolerance, in percent of the level.
    pub hysteresis_percent: u32,
    /// The least tolerance, in the unit of the weights (bytes a second). A lease that weighs no
    /// more counts as idle: it goes to the worker with the fewest leases.
    pub floor: u64,
}

impl Default for Weighting {
    /// 10 %, as the Java KCL's re-balance threshold, and 64 KiB a second: a sixteenth of what one
    /// shard can take in.
    fn default() -> Self {
        Self { hysteresis_percent: 10, floor: 64 * 1024 }
    }
}
