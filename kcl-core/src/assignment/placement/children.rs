//! Which children of a shard its owner may take at once, without waiting for a plan.
//!
//! The plan knows whom a rule gives a shard to; the owner of a shard that ends does not, and takes
//! its children if it was told that no rule can touch them. That has to be known before the
//! children are: they are made when the shard ends.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Resolver, Uncovered};
use crate::{
    lease::Lease,
    stream::{HashKey, HashRange, ShardId},
};

/// Which children of a shard its owner may take at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Taking {
    /// None: a rule may say who gets them.
    #[default]
    #[serde(skip)]
    None,
    /// Those of a split: with which shards it may be merged, a rule touches.
    #[serde(rename = "s")]
    OfSplit,
    /// All.
    #[serde(rename = "a")]
    All,
}

impl Taking {
    /// Whether no child may be taken at once.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Whether a child may be taken that was `merged` of several shards, or of which the shard is
    /// the one parent.
    #[must_use]
    pub const fn allows(self, merged: bool) -> bool {
        match self {
            Self::None => false,
            Self::OfSplit => !merged,
            Self::All => true,
        }
    }
}

/// A shard that has not ended.
struct Open<'r> {
    id: &'r ShardId,
    range: Option<HashRange>,
    touched: bool,
}

impl Resolver<'_> {
    /// Of the shards that have not ended, those of which the owner may take some children at once.
    ///
    /// A rule touches a shard if the shard follows one, if a child of it does that is there
    /// already, or if a child's midpoint may lie in a range. A shard that is merged with one that a
    /// rule touches has a child that it touches, too; only neighbours are merged.
    #[must_use]
    pub fn taking(&self) -> BTreeMap<ShardId, Taking> {
        let known = self.known();
        let held = self.rules.uncovered() == Uncovered::Hold;
        if held || self.names_a_shard_to_come(&known) {
            return BTreeMap::new();
        }
        let parents_of_ruled: BTreeSet<&ShardId> = known
            .iter()
            .filter(|shard| self.resolve(shard).is_some())
            .flat_map(|shard| self.lineage.parents(shard))
            .collect();
        let is_open = |shard: &&ShardId| !self.lineage.lease(shard).is_some_and(Lease::has_ended);
        let open: Vec<Open<'_>> = known
            .iter()
            .copied()
            .filter(is_open)
            .map(|id| {
                let range = self.lineage.range(id);
                let touched = parents_of_ruled.contains(id) || self.touches(id, range);
                Open { id, range, touched: bars(touched) }
            })
            .collect();
        let beside = Neighbours::of(&open);
        let free = open.iter().filter(|shard| !shard.touched).map(|shard| {
            let alone = shard.range.is_none_or(|range| beside.are_touched(range));
            (shard.id.clone(), if alone { Taking::OfSplit } else { Taking::All })
        });
        free.collect()
    }

    /// Whether a rule is for a shard of which nothing is known yet, since it was made after the
    /// shards were listed: whose child it is, nobody knows. Later shards have higher ids.
    fn names_a_shard_to_come(&self, known: &BTreeSet<&ShardId>) -> bool {
        let newest = self.lineage.shards().map(|shard| &shard.id).max();
        let is_later = |shard: &ShardId| newest.is_none_or(|newest| shard > newest);
        self.named_shards().any(|shard| is_later(shard) && !known.contains(shard))
    }

    /// Whether a rule is for this shard, or may be for what it is split into.
    fn touches(&self, shard: &ShardId, range: Option<HashRange>) -> bool {
        let meets = |other: &HashRange| {
            range.is_none_or(|range| range.start <= other.end && other.start <= range.end)
        };
        self.resolve(shard).is_some() || self.ranges().any(meets)
    }
}

/// Whether a rule that touches a shard, or does not, keeps its owner from taking children.
fn bars(touched: bool) -> bool {
    touched && !planted!(RuledChildrenTaken)
}

/// Where shards that a rule touches begin and end.
#[derive(Default)]
struct Neighbours {
    starts: BTreeSet<HashKey>,
    ends: BTreeSet<HashKey>,
    /// Of one it is not known where it begins and ends: it may lie beside any.
    anywhere: bool,
}

impl Neighbours {
    fn of(open: &[Open<'_>]) -> Self {
        let mut all = Self::default();
        for shard in open.iter().filter(|shard| shard.touched) {
            match shard.range {
                Some(range) => {
                    all.starts.insert(range.start);
                    all.ends.insert(range.end);
                }
                None => all.anywhere = true,
            }
        }
        all
    }

    /// Whether one of the shards beside this range is touched.
    fn are_touched(&self, range: HashRange) -> bool {
        let after = range.end.checked_add(1).is_some_and(|next| self.starts.contains(&next));
        let before = range.start.checked_sub(1).is_some_and(|last| self.ends.contains(&last));
        after || before || self.anywhere
    }
}
