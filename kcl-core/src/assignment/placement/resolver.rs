//! Finding the rule that a shard follows.

use std::collections::{BTreeMap, BTreeSet};

use super::{Inherited, PlacementRules, Rule, Target, inherited::Heirs};
use crate::{
    lineage::Lineage,
    stream::{HashRange, ShardId},
};

/// Finds the rules of one stream's shards.
///
/// Of these rules the first counts that exists:
///
/// 1. the rule for the shard itself, else for its nearest ancestor that has one. A rule that names
///    a shard means its records, wherever a reshard takes them, and counts for more than a range
///    that covers them;
/// 2. the range that contains the shard's midpoint, else the range of its nearest ancestor. A split
///    may put both midpoints outside a narrow range that contains the parent's: the children then
///    stay with the same worker.
///
/// A shard in [`Inherited`] counts as a direct child of the shard or range that it inherits from,
/// since no row leads there any more.
///
/// Of several ranges the narrowest counts, then the rule that names the stream, then the first in
/// the document. Of several rules for one shard the operator's counts before one that an older
/// build handed down, and then the rule that names the stream.
#[derive(Clone, Debug)]
pub struct Resolver<'a> {
    pub(super) rules: &'a PlacementRules,
    pub(super) lineage: &'a Lineage<'a>,
    /// The heirs of this stream; `None` if there are none.
    heirs: Option<&'a Heirs>,
    /// For each named shard the rule that counts, as an index.
    by_shard: BTreeMap<&'a ShardId, usize>,
    /// The ranges with their rules, the best one first.
    ranges: Vec<(HashRange, usize)>,
}

/// The rule of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resolved {
    /// The index of the rule in [`PlacementRules::rules`].
    pub rule: usize,
    /// The index of the rule that does not count, where the parents of a merge have different ones.
    pub contender: Option<usize>,
}

impl<'a> Resolver<'a> {
    /// The rules that may apply to the stream of `lineage`.
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
        Self { rules, lineage, heirs: None, by_shard, ranges }
    }

    /// The resolver with the rules that shards inherit although no row says so.
    #[must_use]
    pub fn with_inherited(mut self, inherited: &'a Inherited) -> Self {
        self.heirs = inherited.of(self.lineage.stream());
        self
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

    /// The rule for the shard itself, or for the shard that it inherits from.
    fn named(&self, shard: &ShardId) -> Option<usize> {
        self.own(shard).or_else(|| match self.origin(shard)? {
            Target::Shard(of) => self.own(of),
            Target::Range(_) => None,
        })
    }

    /// The rule for the shard itself.
    fn own(&self, shard: &ShardId) -> Option<usize> {
        self.by_shard.get(shard).copied()
    }

    /// The rule of the range that contains the shard's midpoint, or that the shard inherits.
    fn in_range(&self, shard: &ShardId) -> Option<usize> {
        self.own_range(shard).or_else(|| match self.origin(shard)? {
            Target::Range(of) => self.range(|range| range == of),
            Target::Shard(_) => None,
        })
    }

    /// The rule of the range that contains the shard's midpoint; `None` if its hash keys are not
    /// known.
    fn own_range(&self, shard: &ShardId) -> Option<usize> {
        let midpoint = self.lineage.range(shard)?.midpoint();
        self.range(|range| range.contains(midpoint))
    }

    /// The rule of the best range that `is_it` accepts.
    fn range(&self, is_it: impl Fn(&HashRange) -> bool) -> Option<usize> {
        self.ranges.iter().find(|(range, _)| is_it(range)).map(|(_, number)| *number)
    }

    /// The shards that rules name.
    pub(super) fn named_shards(&self) -> impl Iterator<Item = &ShardId> {
        self.by_shard.keys().copied()
    }

    /// The ranges that rules name.
    pub(super) fn ranges(&self) -> impl Iterator<Item = &HashRange> {
        self.ranges.iter().map(|(range, _)| range)
    }

    /// The target that the shard inherits from, where no row says so.
    fn origin(&self, shard: &ShardId) -> Option<&Target> {
        self.heirs?.get(shard)
    }

    /// The rule of the shard, else of its parents, else of theirs, and so on.
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

    /// Decides between the rules of a merge's parents. `require` counts first: it promises that no
    /// other worker reads these records, while `prefer` promises nothing. Then the parent named
    /// first counts, which Kinesis calls the parent; it calls the other one adjacent.
    fn best_of(&self, found: &[usize]) -> Option<Resolved> {
        let rules = self.rules.rules();
        let rule = *found.iter().min_by_key(|number| rules[**number].mode)?;
        let differs = |number: &&usize| {
            (&rules[**number].worker, rules[**number].mode)
                != (&rules[rule].worker, rules[rule].mode)
        };
        Some(Resolved { rule, contender: found.iter().find(differs).copied() })
    }

    /// The entries of [`Inherited`] for this stream that are needed once the rows of `leaving` are
    /// deleted.
    ///
    /// A row names the parents of its shard. If it is deleted, descendants lose the rule that they
    /// inherit through it, so each child of such a shard gets an entry. An existing entry stays as
    /// long as its shard is listed or has a row, and has no rule of its own that counts for more.
    #[must_use]
    pub fn heirs(&self, leaving: &BTreeSet<ShardId>) -> BTreeMap<ShardId, Target> {
        let known = self.known();
        let stays = |shard: &ShardId| known.contains(shard) && !leaving.contains(shard);
        let kept = self.heirs.into_iter().flatten();
        let kept = kept.filter(|(heir, from)| stays(heir) && !self.is_outranked(heir, from));
        let mut heirs: BTreeMap<_, _> =
            kept.map(|(heir, from)| (heir.clone(), from.clone())).collect();
        let left_alone = known.iter().copied().filter(|shard| {
            let parents = self.lineage.parents(shard);
            stays(shard) && parents.iter().any(|parent| leaving.contains(parent))
        });
        heirs.extend(left_alone.filter_map(|heir| {
            let rule = self.inherited(heir)?;
            Some((heir.clone(), self.rules.rules()[rule].target.clone()))
        }));
        heirs
    }

    /// Whether a shard has a rule of its own that counts for more than the inherited one.
    fn is_outranked(&self, heir: &ShardId, from: &Target) -> bool {
        let by_range = matches!(from, Target::Range(_)) && self.own_range(heir).is_some();
        self.own(heir).is_some() || by_range
    }

    /// Every shard that is listed or has a row.
    pub(super) fn known(&self) -> BTreeSet<&ShardId> {
        let listed = self.lineage.shards().map(|shard| &shard.id);
        listed.chain(self.lineage.leases().map(|(shard, _)| shard)).collect()
    }

    /// The rule that a shard has through its ancestors, and not by itself.
    fn inherited(&self, shard: &ShardId) -> Option<usize> {
        let rule = self.resolve(shard)?.rule;
        let own = self.own(shard).or_else(|| self.own_range(shard));
        (own != Some(rule)).then_some(rule)
    }
}

/// The order of rules for one shard: the least counts.
const fn precedence(rule: &Rule) -> (bool, bool) {
    (rule.created.is_some(), rule.stream.is_none())
}
