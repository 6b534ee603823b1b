//! What the source knows of its shards.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kcl_core::{
    env::{Entropy, Rng},
    stream::{HashRange, Shard, ShardId},
};

use crate::polling::{Enforced, Quota};

/// The hash range of each shard, and the rate limits it shares between readers.
#[derive(Debug, Default)]
pub(crate) struct ShardBook {
    enforced: Enforced,
    shards: Mutex<BTreeMap<ShardId, Entry>>,
}

#[derive(Debug, Default)]
struct Entry {
    range: Option<HashRange>,
    quota: Option<Arc<Quota>>,
}

impl ShardBook {
    /// These are all the shards there are.
    pub(crate) fn replace(&self, all: &[Shard]) {
        let mut shards = self.shards();
        let mut old = std::mem::take(&mut *shards);
        for shard in all {
            let entry = old.remove(&shard.id).unwrap_or_default();
            shards.insert(shard.id.clone(), Entry { range: shard.range, ..entry });
        }
    }

    /// These shards are new.
    pub(crate) fn add(&self, new: &[Shard]) {
        let mut shards = self.shards();
        for shard in new {
            shards.entry(shard.id.clone()).or_default().range = shard.range;
        }
    }

    /// The hash range of a shard, where known.
    pub(crate) fn range(&self, shard: &ShardId) -> Option<HashRange> {
        self.shards().get(shard).and_then(|entry| entry.range)
    }

    /// The rate limits of a shard.
    pub(crate) fn quota(&self, shard: &ShardId, entropy: &dyn Entropy) -> Arc<Quota> {
        let mut shards = self.shards();
        let entry = shards.entry(shard.clone()).or_default();
        let fresh = || Arc::new(Quota::new(self.enforced.clone(), Rng::new(entropy.next_u64())));
        entry.quota.get_or_insert_with(fresh).clone()
    }

    fn shards(&self) -> MutexGuard<'_, BTreeMap<ShardId, Entry>> {
        self.shards.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
