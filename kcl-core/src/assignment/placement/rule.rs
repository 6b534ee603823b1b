//! One rule: which shards, which worker, how strictly.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    env::WallTime,
    lease::WorkerId,
    stream::{HashRange, ShardId, StreamKey},
};

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// The stream it is for, by name; `None` for any.
    pub stream: Option<Arc<str>>,
    /// When the stream was created that it is for; `None` for any stream of that name. Planners of
    /// older builds wrote such rules here for shards whose ancestors' rows went: the same names
    /// mean other shards once a stream is made again.
    pub created: Option<WallTime>,
    /// The shards it is for.
    pub target: Target,
    /// The worker they go to.
    pub worker: WorkerId,
    /// How strictly.
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

    /// Whether a planner of an older build wrote it among the operator's rules, for a shard that
    /// inherits it.
    #[must_use]
    pub const fn was_handed_down(&self) -> bool {
        self.created.is_some()
    }

    /// Whether it is for the life of the stream that is named, if it is for one only.
    fn is_for_life(&self, stream: &StreamKey) -> bool {
        self.created.is_none_or(|created| created == stream.created)
            || planted!(RulesOutliveTheirStream)
    }

    /// Whether it may be for shards of `stream`.
    pub(super) fn is_for(&self, stream: &StreamKey) -> bool {
        self.is_for_life(stream) && self.stream.as_ref().is_none_or(|name| *name == stream.name)
    }
}

/// Which shards a rule is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Target {
    /// This shard, and its descendants that have no nearer rule.
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

/// How strictly a rule is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Mode {
    /// No other worker reads the shard. While the worker is not there, nobody does: the shard is
    /// listed as unassigned.
    Require,
    /// Others read it while the worker is not there or is at its limit. It returns by handoff, once
    /// the worker has lived for two session timeouts.
    #[default]
    Prefer,
}

/// What becomes of the shards that no rule covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Uncovered {
    /// They are shared out among all workers.
    #[default]
    Balance,
    /// Nobody reads them: they are listed as unassigned.
    Hold,
}
