//! Which children of a shard its owner may acquire at once (PROTOCOL rule 9): those that no
//! placement rule can touch, and that the operator has not paused. The other children wait for the
//! plan.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::catalogue::Catalogue;
use crate::{
    assignment::placement::{Resolver, Taking},
    lease::LeaseKey,
    lineage::Lineage,
};

/// Which children the owners may acquire at once.
#[derive(Debug, Default)]
pub(super) struct Children {
    /// Whether they may acquire all of them, of every shard.
    all_free: bool,
    /// Else: which children, by the lease of the parent.
    of: BTreeMap<LeaseKey, Taking>,
}

impl Children {
    /// Computes them from the rules and the shards of the last reading.
    pub(super) fn by(catalogue: &Catalogue) -> Self {
        let paused = &catalogue.rules.marks().paused;
        if !catalogue.rules.may_bind() && (paused.is_empty() || are_taken()) {
            return Self { all_free: true, of: BTreeMap::new() };
        }
        let mut of = BTreeMap::new();
        if are_known_apart(catalogue) {
            of.extend(catalogue.streams.values().flat_map(|plan| {
                let Some(view) = plan.view() else { return BTreeMap::new() };
                let key = &view.description.key;
                let lineage = Lineage::new(key, &view.shards, catalogue.rows_of(plan));
                let resolver = Resolver::new(catalogue.rules.stated(), &lineage);
                let mut taking = resolver.with_inherited(catalogue.inheritance.known()).taking();
                let of_this = paused.keys().filter(|lease| lease.stream().as_ref() == Some(key));
                for child in of_this.filter_map(LeaseKey::shard) {
                    taking
                        .retain(|shard, _| !lineage.parents(&child).contains(shard) || are_taken());
                }
                let with_key = |(shard, taking)| (LeaseKey::of_shard(key, &shard), taking);
                taking.into_iter().map(with_key).collect()
            }));
        }
        Self { all_free: false, of }
    }

    /// Whether the owners may acquire every child.
    pub(super) const fn are_all_free(&self) -> bool {
        self.all_free
    }

    /// Which children the owner of this lease may acquire, if not all.
    pub(super) fn of(&self, key: &LeaseKey) -> Taking {
        self.of.get(key).copied().unwrap_or_default()
    }
}

/// Whether owners acquire paused children at once.
fn are_taken() -> bool {
    planted!(PausedChildrenTaken)
}

/// Whether the planner knows which shards a rule touches, and not only that there may be rules.
fn are_known_apart(catalogue: &Catalogue) -> bool {
    let rules = &catalogue.rules;
    let are_heirs_known = !rules.name_any() || catalogue.inheritance.is_known();
    rules.known().is_some() && are_heirs_known && shards_are_told_apart()
}

/// Whether a rule stops the children of only those shards that it touches.
fn shards_are_told_apart() -> bool {
    !planted!(AnyRuleStopsChildren)
}
