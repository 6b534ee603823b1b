//! Which children of a shard its owner may acquire at once, without waiting for a plan.
//!
//! When a shard ends, the plan knows to which worker a rule gives each child; the shard's owner
//! does not. So the planner writes to the owner's document beforehand for which children no rule
//! can apply, and the owner acquires these. The planner has to decide it before the children exist,
//! since their leases are made when the shard ends.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Resolver, Uncovered};
use crate::{
    lease::Lease,
    stream::{HashKey, HashRange, ShardId},
};

/// Which children of a shard its owner may acquire at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Taking {
    /// None: a rule may apply to any of them.
    #[default]
    #[serde(skip)]
    None,
    /// The children of a split. A rule may apply to a child of a merge, since it touches a
    /// neighbour with which the shard may be merged.
    #[serde(rename = "s")]
    OfSplit,
    /// All children.
    #[serde(rename = "a")]
    All,
}

impl Taking {
    /// Whether the owner may acquire no child at once.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Whether the owner may acquire a child at once. `merged` says that the child has several
    /// parents; else the shard is its only parent.
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
    /// Whether a rule touches the shard.
    touched: bool,
}

impl Resolver<'_> {
    /// Of the shards that have not ended, those whose owner may acquire some children at once.
    ///
    /// A rule *touches* a shard if the shard follows it, if an existing child of the shard follows
    /// it, or if the midpoint of a child may lie in its range. If a shard is merged with one that a
    /// rule touches, the rule touches their child, too; only neighbours can be merged. So the owner
    /// of a shard beside a touched one may acquire only the children of a split.
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

    /// Whether a rule names a shard that was made after the shards were listed: its parents are not
    /// known yet. Later shards have higher ids.
    fn names_a_shard_to_come(&self, known: &BTreeSet<&ShardId>) -> bool {
        let newest = self.lineage.shards().map(|shard| &shard.id).max();
        let is_later = |shard: &ShardId| newest.is_none_or(|newest| shard > newest);
        self.named_shards().any(|shard| is_later(shard) && !known.contains(shard))
    }

    /// Whether a rule applies to this shard, or may apply to a child of a split.
    fn touches(&self, shard: &ShardId, range: Option<HashRange>) -> bool {
        let meets = |other: &HashRange| {
            range.is_none_or(|range| range.start <= other.end && other.start <= range.end)
        };
        self.resolve(shard).is_some() || self.ranges().any(meets)
    }
}

/// Whether a rule that touches a shard keeps its owner from acquiring children.
fn bars(touched: bool) -> bool {
    touched && !planted!(RuledChildrenTaken)
}

/// The borders of the shards that a rule touches.
#[derive(Default)]
struct Neighbours {
    /// Where the touched shards begin.
    starts: BTreeSet<HashKey>,
    /// Where the touched shards end.
    ends: BTreeSet<HashKey>,
    /// Whether the range of one of them is not known: it may lie beside any shard.
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

    /// Whether a rule touches a shard beside this range.
    fn are_touched(&self, range: HashRange) -> bool {
        let after = range.end.checked_add(1).is_some_and(|next| self.starts.contains(&next));
        let before = range.start.checked_sub(1).is_some_and(|last| self.ends.contains(&last));
        after || before || self.anywhere
    }
}
