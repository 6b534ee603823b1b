//! The frozen start of a stream, for the lineage.

use serde::{Deserialize, Serialize};

use crate::{env::WallTime, lease::Checkpoint};

/// The frozen start of a stream, written down once, before its first lease exists. A configured
/// `LATEST` is a time here: the service's, when the start was frozen. So a lost row that is made
/// again skips no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FrozenStart {
    /// The oldest record that the stream has.
    TrimHorizon,
    /// The first record that arrived at this time or later.
    AtTimestamp(WallTime),
}

impl From<FrozenStart> for Checkpoint {
    fn from(start: FrozenStart) -> Self {
        match start {
            FrozenStart::TrimHorizon => Self::TrimHorizon,
            FrozenStart::AtTimestamp(at) => Self::AtTimestamp(at),
        }
    }
}
