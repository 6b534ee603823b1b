//! Which rule a shard follows.

use std::collections::{BTreeMap, BTreeSet};

use super::{PlacementRules, Rule, Target};
use crate::{
    lineage::Lineage,
    stream::{HashRange, ShardId},
};

/// Finds the rules of one stream's shards.
///
/// In this order, the first that there is:
/// 1. the rule for the shard itself, else for its nearest ancestor that has one: somebody who names
///    a shard means its records, wherever a reshard takes them, and means them more than a range
///    that happens to cover them;
/// 2. the range the shard's midpoint lies in, else its nearest ancestor's: a split may put both
///    midpoints outside a narrow range that the parent's was in, and then somebody must go on
///    reading for the worker that did.
///
/// Of ranges the narrowest wins, then a rule that names the stream, then the order in the document.
/// Of rules for one shard an operator's wins over one that was handed down, and then one that names
/// the stream.
#[derive(Clone, Debug)]
pub struct Resolver<'a> {
    rules: &'a PlacementRules,
    lineage: &'a Lineage<'a>,
    by_shard: BTreeMap<&'a ShardId, usize>,
    /// Best first.
    ranges: Vec<(HashRange, usize)>,
}

/// The rule of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resolved {
    /// The rule, as an index into [`PlacementRules::rules`].
    pub rule: usize,
    /// The rule that was passed over, where the parents of a merge are placed differently.
    pub contender: Option<usize>,
}

impl<'a> Resolver<'a> {
    /// Prepares `rules` for the stream of `lineage`.
    #[must_use]
    pub fn new(rules: &'a PlacementRules, lineage: &'a Lineage<'a>) -> Self {
        let numbered = rules.rules().iter().enumerate();
        let mut by_shard = BTreeMap::new();
        let mut ranges = Vec::new();
        for (number, rule) in numbered.filter(|(_, rule)| rule.is_for(lineage.stream())) {
            match &rule.target {
                Target::Range(range) => ranges.push((*range, number)),
                Target::Shard(shard) => {
                    let best = by_shard.entry(shard).or_insert(number);
                    if precedence(rule) < precedence(&rules.rules()[*best]) {
                        *best = number;
                    }
                }
            }
        }
        let any_stream = |number: &usize| rules.rules()[*number].stream.is_none();
        ranges
            .sort_by_key(|(range, number)| (range.end - range.start, any_stream(number), *number));
        Self { rules, lineage, by_shard, ranges }
    }

    /// The rule of `shard`; `None` if none covers it.
    #[must_use]
    pub fn resolve(&self, shard: &ShardId) -> Option<Resolved> {
        if self.by_shard.is_empty() && self.ranges.is_empty() {
            return None;
        }
        let named = self.nearest(shard, |shard| self.named(shard));
        named.or_else(|| self.nearest(shard, |shard| self.in_range(shard)))
    }

    fn named(&self, shard: &ShardId) -> Option<usize> {
        self.by_shard.get(shard).copied()
    }

    fn in_range(&self, shard: &ShardId) -> Option<usize> {
        let midpoint = self.lineage.range(shard)?.midpoint();
        let covers = |(range, _): &&(HashRange, usize)| range.contains(midpoint);
        self.ranges.iter().find(covers).map(|(_, number)| *number)
    }

    /// Looks at the shard, then at its parents, then at theirs.
    fn nearest<'s>(
        &'s self,
        shard: &'s ShardId,
        rule_of: impl Fn(&ShardId) -> Option<usize>,
    ) -> Option<Resolved> {
        let mut generation = vec![shard];
        let mut seen = BTreeSet::from([shard]);
        while !generation.is_empty() {
            let found: Vec<usize> = generation.iter().filter_map(|shard| rule_of(shard)).collect();
            if !found.is_empty() {
                return self.best_of(&found);
            }
            let parents = generation.iter().flat_map(|shard| self.lineage.parents(shard));
            generation = parents.filter(|parent| seen.insert(*parent)).collect();
        }
        None
    }

    /// Decides between the rules of a merge's parents. `require` first: it promises that nobody
    /// else reads these records, `prefer` promises nothing. Then the parent named first, which is
    /// the one Kinesis calls the parent; the other it calls adjacent.
    fn best_of(&self, found: &[usize]) -> Option<Resolved> {
        let rules = self.rules.rules();
        let rule = *found.iter().min_by_key(|number| rules[**number].mode)?;
        let differs = |number: &&usize| {
            (&rules[**number].worker, rules[**number].mode)
                != (&rules[rule].worker, rules[rule].mode)
        };
        Some(Resolved { rule, contender: found.iter().find(differs).copied() })
    }

    /// The rules as they must read before the rows of `leaving` are deleted, or `None` if they
    /// already do.
    ///
    /// A row that is deleted takes with it what is known of its shard's parents, and so the rule
    /// that its descendants inherit through it. Each child of a leaving shard is therefore given
    /// what it inherits as a rule of its own. Rules for the leaving shards that name this stream
    /// have then done their part and go, so that the document does not grow for ever; so do those
    /// that were handed down in a former life of the stream.
    #[must_use]
    pub fn handed_down(&self, leaving: &BTreeSet<ShardId>) -> Option<PlacementRules> {
        let stream = self.lineage.stream();
        let is_spent = |rule: &&Rule| match &rule.target {
            _ if rule.stream.as_ref() != Some(&stream.name) => false,
            Target::Shard(shard) => {
                leaving.contains(shard) || rule.created.is_some_and(|at| at < stream.created)
            }
            Target::Range(_) => false,
        };
        let rules = self.rules.rules();
        let mut kept: Vec<Rule> = rules.iter().filter(|rule| !is_spent(rule)).cloned().collect();
        let spent = kept.len() < rules.len();
        let children = self.known().into_iter().filter(|shard| {
            let parents = self.lineage.parents(shard);
            !leaving.contains(*shard) && parents.iter().any(|parent| leaving.contains(parent))
        });
        let mut heirs =
            children.filter_map(|shard| Some((shard, self.inherited(shard)?))).peekable();
        if !spent && heirs.peek().is_none() {
            return None;
        }
        kept.extend(heirs.map(|(shard, rule)| Rule {
            stream: Some(stream.name.clone()),
            created: Some(stream.created),
            target: Target::Shard(shard.clone()),
            ..rules[rule].clone()
        }));
        Some(self.rules.replaced(kept))
    }

    /// Every shard the lineage knows.
    fn known(&self) -> BTreeSet<&ShardId> {
        let listed = self.lineage.shards().map(|shard| &shard.id);
        listed.chain(self.lineage.leases().map(|(shard, _)| shard)).collect()
    }

    /// The rule a shard has by its ancestors and not by itself.
    fn inherited(&self, shard: &ShardId) -> Option<usize> {
        let rule = self.resolve(shard)?.rule;
        let own = self.named(shard).or_else(|| self.in_range(shard));
        (own != Some(rule)).then_some(rule)
    }
}

/// Of rules for one shard the least wins.
const fn precedence(rule: &Rule) -> (bool, bool) {
    (rule.created.is_some(), rule.stream.is_none())
}
