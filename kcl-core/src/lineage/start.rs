//! Where reading of a stream starts that was never read.

use serde::{Deserialize, Serialize};

use crate::{env::WallTime, lease::Checkpoint};

/// Where reading of a stream starts that was never read, written down once before its first lease
/// exists. A configured `LATEST` is a time here: the server's, when it was frozen. So a row that is
/// lost and made again skips nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FrozenStart {
    /// At the oldest record the stream has.
    TrimHorizon,
    /// At the first record that arrived at or after this time.
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
