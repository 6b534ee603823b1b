//! The types of a judgement: the operator's words, probes of shards, and the verdict on a shard.

use std::collections::BTreeMap;

use kcl_core::{
    change::{Place, Spot},
    env::WallTime,
    settings::InitialPosition,
    stream::ShardId,
};

use super::finding::Finding;

/// What the operator says about checkpoints. By default a shard without a checkpoint begins at its
/// oldest record, and nothing else is said.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ImportOptions {
    /// Where a shard begins whose row says LATEST or has no checkpoint.
    pub latest_as: InitialPosition,
    /// Where a shard begins whose row says AT_TIMESTAMP; `None` refuses such rows.
    pub timestamp: Option<WallTime>,
    /// Checkpoints of single shards; their rows do not count.
    pub said: BTreeMap<ShardId, Said>,
}

impl Default for ImportOptions {
    fn default() -> Self {
        let latest_as = InitialPosition::TrimHorizon;
        Self { latest_as, timestamp: None, said: BTreeMap::new() }
    }
}

/// The checkpoint that the operator gives a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Said {
    /// The shard begins at this place.
    At(Place),
    /// The shard is processed to its end.
    Ended,
}

/// The result of reading a shard from its checkpoint on, before the import.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Probe {
    /// The shard has a record after the checkpoint.
    Next {
        /// The record's arrival time; `None` if the stream does not say it.
        since: Option<WallTime>,
        /// Whether the stream deleted records between the checkpoint and this record.
        lost: bool,
    },
    /// The shard has no record after the checkpoint.
    CaughtUp {
        /// Whether the stream still has the record at the checkpoint; `None` if nobody asked.
        found: Option<bool>,
    },
    /// The shard could not be read. Holds the reason.
    Unknown(String),
}

/// The decision about a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The import writes a lease with this checkpoint.
    Taken(Spot),
    /// The import writes no lease: the planner makes it when the parent has ended.
    Follows,
    /// The stream does not list the shard any more: there is nothing to import.
    Gone,
    /// The shard cannot be imported; a finding says why.
    Refused,
}

/// A shard, and the decision about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Judged {
    /// The shard.
    pub shard: ShardId,
    /// The checkpoint of the old row, as text; `None` if the shard has no row.
    pub was: Option<String>,
    /// The worker that held the lease; `None` if the row names none.
    pub owner: Option<String>,
    /// The decision.
    pub verdict: Verdict,
    /// The findings about this shard; may be empty.
    pub findings: Vec<Finding>,
}
