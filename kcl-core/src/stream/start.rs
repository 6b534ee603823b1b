//! The place in a shard where a reader starts.

use super::{Position, SequenceNumber};
use crate::env::WallTime;

/// Where a reader starts in its shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartAt {
    /// At the oldest record that the stream still has.
    TrimHorizon,
    /// After the newest record.
    Latest,
    /// At the first record that arrived at or after this time.
    AtTimestamp(WallTime),
    /// At the record with this sequence number, which is included.
    At(SequenceNumber),
    /// At the first record after this position. It may be a later record of the same KPL aggregate.
    After(Position),
}
