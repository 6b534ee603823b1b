//! Finds, for shards without a row, whether their ancestors or descendants have one: a shard before
//! a row was read, a shard behind a row was not.

use std::collections::{BTreeMap, BTreeSet};

use kcl_core::stream::{Shard, ShardId};

/// The relatives of shards, by the stream's own list. Shards that the list does not have are
/// unknown here.
#[derive(Debug, Default)]
pub(super) struct Kin<'a> {
    children: BTreeMap<&'a ShardId, Vec<&'a ShardId>>,
    /// Shards that have a descendant with a row.
    before: BTreeSet<&'a ShardId>,
    /// Shards that have an ancestor with a row.
    after: BTreeSet<&'a ShardId>,
}

impl<'a> Kin<'a> {
    /// The relatives among `listed`. `has_row` says which shards have a row, or a checkpoint from
    /// the operator.
    pub(super) fn of(
        listed: &BTreeMap<&'a ShardId, &'a Shard>,
        has_row: impl Fn(&ShardId) -> bool,
    ) -> Self {
        let mut kin = Self::default();
        for shard in listed.values() {
            for parent in &shard.parents {
                kin.children.entry(parent).or_default().push(&shard.id);
            }
        }
        for shard in listed.values().filter(|shard| has_row(&shard.id)) {
            let mut above: Vec<&ShardId> = shard.parents.iter().collect();
            while let Some(id) = above.pop() {
                if let Some(shard) = listed.get(id)
                    && kin.before.insert(&shard.id)
                {
                    above.extend(&shard.parents);
                }
            }
            let mut below = kin.children(&shard.id).to_vec();
            while let Some(id) = below.pop() {
                if kin.after.insert(id) {
                    below.extend(kin.children(id));
                }
            }
        }
        kin
    }

    /// The children of a shard.
    pub(super) fn children(&self, id: &ShardId) -> &[&'a ShardId] {
        self.children.get(id).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a descendant of the shard has a row.
    pub(super) fn leads_to_a_row(&self, id: &ShardId) -> bool {
        self.before.contains(id)
    }

    /// Whether an ancestor of the shard has a row.
    pub(super) fn comes_of_a_row(&self, id: &ShardId) -> bool {
        self.after.contains(id)
    }
}
