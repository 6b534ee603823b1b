//! One placement rule: it names shards, the worker that should read them, and how strict it is.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    env::WallTime,
    lease::WorkerId,
    stream::{HashRange, ShardId, StreamKey},
};

/// One placement rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// The name of the stream that the rule is for; `None`: any stream.
    pub stream: Option<Arc<str>>,
    /// The creation time of the stream that the rule is for; `None`: any stream of that name.
    /// Planners of older builds wrote such rules for shards whose ancestors' rows were deleted.
    /// They count for one life of the stream only: once it is made again, the same names mean other
    /// shards.
    pub created: Option<WallTime>,
    /// The shards that the rule is for.
    pub target: Target,
    /// The worker that these shards go to.
    pub worker: WorkerId,
    /// Whether the rule is required or only preferred.
    pub mode: Mode,
}

impl Rule {
    /// A rule for any stream.
    #[must_use]
    pub const fn new(target: Target, worker: WorkerId, mode: Mode) -> Self {
        Self { stream: None, created: None, target, worker, mode }
    }

    /// The same rule, for the stream called `name` only.
    #[must_use]
    pub fn for_stream(mut self, name: &str) -> Self {
        self.stream = Some(name.into());
        self
    }

    /// Whether a planner of an older build wrote the rule, for a shard that inherits it.
    #[must_use]
    pub const fn was_handed_down(&self) -> bool {
        self.created.is_some()
    }

    /// Whether the rule is for this life of the stream, or for any.
    fn is_for_life(&self, stream: &StreamKey) -> bool {
        self.created.is_none_or(|created| created == stream.created)
            || planted!(RulesOutliveTheirStream)
    }

    /// Whether the rule may be for shards of `stream`.
    pub(super) fn is_for(&self, stream: &StreamKey) -> bool {
        self.is_for_life(stream) && self.stream.as_ref().is_none_or(|name| *name == stream.name)
    }
}

/// The shards that a rule is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Target {
    /// This shard, and its descendants without a nearer rule.
    Shard(ShardId),
    /// The shards whose midpoint lies in this range of hash keys.
    Range(HashRange),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shard(shard) => write!(f, "shard {shard}"),
            Self::Range(range) => write!(f, "range {range}"),
        }
    }
}

/// Whether a rule is required or only preferred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Mode {
    /// No other worker reads the shard. While this worker is not live, no worker does, and the
    /// shard is listed as unassigned.
    Require,
    /// Other workers read the shard while this worker is not live or is at its limit. The shard
    /// returns by handoff once this worker has lived for two session timeouts.
    #[default]
    Prefer,
}

/// The policy for the shards that no rule covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Uncovered {
    /// They are shared out among all workers.
    #[default]
    Balance,
    /// No worker reads them; they are listed as unassigned.
    Hold,
}
