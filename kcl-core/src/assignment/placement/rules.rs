//! All placement rules of an application, checked together.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{InvalidPlacement, Rule, Target, Uncovered, form::RulesForm};
use crate::stream::HashRange;

/// The placement rules: which shards must or should be read by which worker, and the policy for
/// the other shards.
///
/// [`Self::new`] checks the rules: no two have the same target, no range ends before it starts, and
/// no two ranges cross. If one range lies within another, the narrower one counts for the shards in
/// it. As YAML, or JSON of the same form:
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
    /// Checks these rules, and keeps their order.
    ///
    /// # Errors
    /// When two rules have the same target, a range ends before it starts, or two ranges cross.
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
        refuse_crossings(&rules)?;
        Ok(Self { rules, uncovered })
    }

    /// The rules, in the order of the document.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The policy for the shards that no rule covers.
    #[must_use]
    pub const fn uncovered(&self) -> Uncovered {
        self.uncovered
    }
}

/// Refuses ranges that cross: of nested ranges the narrower one counts, but of crossing ones
/// neither could.
fn refuse_crossings(rules: &[Rule]) -> Result<(), InvalidPlacement> {
    let mut by_stream: BTreeMap<Option<&Arc<str>>, Vec<HashRange>> = BTreeMap::new();
    for rule in rules {
        if let Target::Range(range) = rule.target {
            by_stream.entry(rule.stream.as_ref()).or_default().push(range);
        }
    }
    let of_any = by_stream.remove(&None).unwrap_or_default();
    let of_streams = by_stream.into_values().map(|mut ranges| {
        ranges.extend(&of_any);
        ranges
    });
    of_streams.chain([of_any.clone()]).try_for_each(refuse_crossing)
}

/// Goes through the ranges in the order of their starts, wide ones first: each must lie within the
/// ranges that are still open.
fn refuse_crossing(mut ranges: Vec<HashRange>) -> Result<(), InvalidPlacement> {
    ranges.sort_unstable_by_key(|range| (range.start, Reverse(range.end)));
    let mut open: Vec<HashRange> = Vec::new();
    for range in ranges {
        while open.last().is_some_and(|outer| outer.end < range.start) {
            open.pop();
        }
        if let Some(outer) = open.last().filter(|outer| outer.end < range.end) {
            return Err(InvalidPlacement::Crossing { one: *outer, other: range });
        }
        open.push(range);
    }
    Ok(())
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
