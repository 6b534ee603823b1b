//! The rules themselves.

use std::{collections::BTreeSet, fmt, sync::Arc};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{InvalidPlacement, form::RulesForm};
use crate::{
    env::WallTime,
    lease::{Document, WorkerId},
    stream::{HashRange, ShardId, StreamKey},
};

/// Which shards must or should be read by which worker, and what becomes of the others.
///
/// Checked when made: no target twice, no range backwards. As JSON or YAML:
///
/// ```yaml
/// format: 1
/// uncovered: balance          # or: hold
/// rules:
///   - shard: shardId-000000000003
///     worker: orders-0
///     mode: require           # or: prefer, the default
///   - stream: payments        # only this stream; without it, any
///     range: 0-170141183460469231731687303715884105727
///     worker: orders-1
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RulesForm", into = "RulesForm")]
pub struct PlacementRules {
    rules: Vec<Rule>,
    uncovered: Uncovered,
}

impl PlacementRules {
    /// Makes rules of `rules`, in this order.
    ///
    /// # Errors
    /// When two rules have the same target, or a range is backwards.
    pub fn new(rules: Vec<Rule>, uncovered: Uncovered) -> Result<Self, InvalidPlacement> {
        let mut seen = BTreeSet::new();
        for rule in &rules {
            if let Target::Range(range) = rule.target
                && range.start > range.end
            {
                return Err(InvalidPlacement::RangeBackwards { range });
            }
            if !seen.insert((&rule.stream, rule.created, &rule.target)) {
                return Err(InvalidPlacement::Duplicate { target: rule.target.clone() });
            }
        }
        Ok(Self { rules, uncovered })
    }

    /// Other rules in place of these, which the caller knows to be sound.
    pub(super) const fn replaced(&self, rules: Vec<Rule>) -> Self {
        Self { rules, uncovered: self.uncovered }
    }

    /// The rules, in the order of the document.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What becomes of the shards no rule covers.
    #[must_use]
    pub const fn uncovered(&self) -> Uncovered {
        self.uncovered
    }

    /// The rules as the body of a document.
    ///
    /// # Errors
    /// When they are too many for one document.
    pub fn encode(&self) -> Result<Bytes, InvalidPlacement> {
        let body = serde_json::to_vec(self)?;
        if body.len() > Document::MAX_BODY {
            return Err(InvalidPlacement::TooLarge { rules: self.rules.len(), bytes: body.len() });
        }
        Ok(body.into())
    }

    /// Reads back what [`Self::encode`] gave.
    ///
    /// # Errors
    /// When the body is no such document, or is of a later format.
    pub fn decode(body: &[u8]) -> Result<Self, InvalidPlacement> {
        RulesForm::check_format(body)?;
        serde_json::from_slice::<RulesForm>(body)?.try_into()
    }
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The stream it is for, by name; `None` for any.
    pub stream: Option<Arc<str>>,
    /// When the stream was created that it is for; `None` for any stream of that name. A planner
    /// writes such rules for shards whose ancestors' rows go: the same names mean other shards once
    /// a stream is made again.
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

    /// Whether it may be for shards of `stream`.
    pub(super) fn is_for(&self, stream: &StreamKey) -> bool {
        let created = self.created.is_none_or(|created| created == stream.created);
        let created = created || planted!(RulesOutliveTheirStream);
        created && self.stream.as_ref().is_none_or(|name| *name == stream.name)
    }
}

/// Which shards a rule is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
pub enum Mode {
    /// No other worker reads the shard. While the worker is not there, nobody does: the shard is
    /// listed as unassigned.
    Require,
    /// Others read it while the worker is not there or is at its limit; it returns by handoff.
    #[default]
    Prefer,
}

/// What becomes of the shards that no rule covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Uncovered {
    /// They are shared out among all workers.
    #[default]
    Balance,
    /// Nobody reads them: they are listed as unassigned.
    Hold,
}
