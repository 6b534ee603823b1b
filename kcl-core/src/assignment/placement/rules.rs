//! All rules of an application, checked together.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{InvalidPlacement, Rule, Target, Uncovered, form::RulesForm};
use crate::lease::Document;

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

impl TryFrom<RulesForm> for PlacementRules {
    type Error = InvalidPlacement;

    fn try_from(form: RulesForm) -> Result<Self, InvalidPlacement> {
        let (rules, uncovered) = form.read()?;
        Self::new(rules, uncovered)
    }
}

impl From<PlacementRules> for RulesForm {
    fn from(rules: PlacementRules) -> Self {
        Self::new(&rules.rules, rules.uncovered)
    }
}
