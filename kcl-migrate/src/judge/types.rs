//! What a judgement is made of, and what it says of one shard.

use std::collections::BTreeMap;

use kcl_core::{
    change::{Place, Spot},
    env::WallTime,
    settings::InitialPosition,
    stream::ShardId,
};

use super::finding::Finding;

/// What the operator says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Wishes {
    /// Where a shard begins of which nothing was checkpointed: its row says LATEST, or nothing.
    pub latest_as: InitialPosition,
    /// Where one begins whose row says AT_TIMESTAMP.
    pub timestamp: Option<WallTime>,
    /// What is said of single shards, whatever their rows say.
    pub said: BTreeMap<ShardId, Said>,
}

impl Default for Wishes {
    fn default() -> Self {
        let latest_as = InitialPosition::TrimHorizon;
        Self { latest_as, timestamp: None, said: BTreeMap::new() }
    }
}

/// What the operator says of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Said {
    /// It begins here.
    At(Place),
    /// It is processed to its end.
    Ended,
}

/// What was seen in a shard, from the checkpoint on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Probe {
    /// A record comes next.
    Next {
        /// When it arrived, where known.
        since: Option<WallTime>,
        /// Whether records between the checkpoint and it are gone.
        lost: bool,
    },
    /// Nothing comes next.
    CaughtUp {
        /// Whether there is still a record of the checkpoint's number, where that was asked.
        found: Option<bool>,
    },
    /// It could not be told.
    Unknown(String),
}

/// What becomes of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It gets a lease that stands here.
    Taken(Spot),
    /// It gets its lease when its parent has ended.
    Follows,
    /// The stream lists it no more.
    Gone,
    /// It cannot be taken.
    Refused,
}

/// A shard, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Judged {
    /// Which.
    pub shard: ShardId,
    /// The old row's checkpoint, in words; `None`: there is no row.
    pub was: Option<String>,
    /// Who held it.
    pub owner: Option<String>,
    /// What becomes of it.
    pub verdict: Verdict,
    /// What was found of it.
    pub findings: Vec<Finding>,
}
