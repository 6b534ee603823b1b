//! The form of placement rules in JSON or YAML, as an operator writes them. Hash keys are text,
//! since few parsers of either hold 128 bits. An unknown key is refused, since it may be a typing
//! error.

use serde::{Deserialize, Serialize};

use super::{InvalidPlacement, Mode, Rule, Target, Uncovered};
use crate::{env::WallTime, lease::WorkerId, stream::ShardId};

/// The only format so far.
pub(super) const FORMAT: u64 = 1;

/// The default for a text that names no format.
pub(super) const fn format() -> u64 {
    FORMAT
}

/// The form of [`PlacementRules`](super::PlacementRules).
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RulesForm {
    #[serde(default = "format")]
    format: u64,
    #[serde(default)]
    uncovered: Uncovered,
    #[serde(default)]
    rules: Vec<RuleForm>,
}

/// The form of one [`Rule`]: exactly one of `shard` and `range` must be there.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleForm {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stream: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created: Option<WallTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shard: Option<ShardId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    worker: WorkerId,
    #[serde(default)]
    mode: Mode,
}

impl RulesForm {
    /// The form of these rules.
    pub(super) fn new(rules: &[Rule], uncovered: Uncovered) -> Self {
        Self { format: FORMAT, uncovered, rules: rules.iter().map(RuleForm::from).collect() }
    }

    /// The rules in this form, and the policy for shards that they do not cover.
    pub(super) fn read(self) -> Result<(Vec<Rule>, Uncovered), InvalidPlacement> {
        if self.format != FORMAT {
            return Err(InvalidPlacement::Format { found: self.format });
        }
        Ok((read_rules(self.rules)?, self.uncovered))
    }
}

/// The rules of these forms; an error names the first that is wrong.
pub(super) fn read_rules(rules: Vec<RuleForm>) -> Result<Vec<Rule>, InvalidPlacement> {
    let numbered = rules.into_iter().zip(1..);
    numbered.map(|(rule, number)| rule.read(number)).collect()
}

impl RuleForm {
    /// The rule in this form. `number` counts from 1, for the error.
    fn read(self, number: usize) -> Result<Rule, InvalidPlacement> {
        let target = match (self.shard, self.range) {
            (Some(shard), None) => Target::Shard(shard),
            (None, Some(text)) => match text.parse() {
                Ok(range) => Target::Range(range),
                Err(source) => return Err(InvalidPlacement::Range { number, text, source }),
            },
            _ => return Err(InvalidPlacement::NotOneTarget { number }),
        };
        let stream = self.stream.map(Into::into);
        let Self { created, worker, mode, .. } = self;
        Ok(Rule { stream, created, target, worker, mode })
    }
}

impl From<&Rule> for RuleForm {
    fn from(rule: &Rule) -> Self {
        let (shard, range) = match &rule.target {
            Target::Shard(shard) => (Some(shard.clone()), None),
            Target::Range(range) => (None, Some(range.to_string())),
        };
        let stream = rule.stream.as_deref().map(str::to_owned);
        let (created, worker, mode) = (rule.created, rule.worker.clone(), rule.mode);
        Self { stream, created, shard, range, worker, mode }
    }
}
