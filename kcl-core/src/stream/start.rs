//! Where reading starts.

use super::{Position, SequenceNumber};
use crate::env::WallTime;

/// Where a reader starts in its shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartAt {
    /// At the oldest record the stream still has.
    TrimHorizon,
    /// After the newest record.
    Latest,
    /// At the first record that arrived at or after this time.
    AtTimestamp(WallTime),
    /// At this record, included.
    At(SequenceNumber),
    /// At the first record (or sub-record of an aggregate) after this one.
    After(Position),
}
