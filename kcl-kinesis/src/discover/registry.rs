//! The hash ranges of the known shards.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use kcl_core::stream::{HashRange, Shard, ShardId};

/// The hash range of each shard that a listing or the end of its parent has shown.
#[derive(Debug, Default)]
pub(super) struct ShardRegistry(Mutex<BTreeMap<ShardId, Option<HashRange>>>);

impl ShardRegistry {
    /// Replaces the content with `all` shards of the stream.
    pub(super) fn replace(&self, all: &[Shard]) {
        *self.ranges() = all.iter().map(|shard| (shard.id.clone(), shard.range)).collect();
    }

    /// Adds new shards.
    pub(super) fn add(&self, new: &[Shard]) {
        self.ranges().extend(new.iter().map(|shard| (shard.id.clone(), shard.range)));
    }

    /// The hash range of a shard; `None` if it is not known.
    pub(super) fn range(&self, shard: &ShardId) -> Option<HashRange> {
        self.ranges().get(shard).copied().flatten()
    }

    fn ranges(&self) -> MutexGuard<'_, BTreeMap<ShardId, Option<HashRange>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
