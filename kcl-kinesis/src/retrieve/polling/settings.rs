//! [`Polling`]: the settings and rate limits that the readers of a source share.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kcl_core::{
    env::{Entropy, Rng},
    stream::{Shard, ShardId},
};

use super::quota::{Enforced, Quota};

/// The settings of polling, and the rate limits of each shard.
#[derive(Debug)]
pub(crate) struct Polling {
    /// The largest number of records to request in a call.
    pub(crate) max_records: usize,
    /// The time between two reads at the tip of a shard.
    pub(crate) idle_poll: Duration,
    enforced: Enforced,
    quotas: Mutex<BTreeMap<ShardId, Arc<Quota>>>,
}

impl Polling {
    pub(crate) fn new(max_records: usize, idle_poll: Duration) -> Self {
        let (enforced, quotas) = Default::default();
        Self { max_records, idle_poll, enforced, quotas }
    }

    /// The rate limits of a shard.
    pub(super) fn quota(&self, shard: &ShardId, entropy: &dyn Entropy) -> Arc<Quota> {
        let mut quotas = self.quotas.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Arc::new(Quota::new(self.enforced.clone(), Rng::new(entropy.next_u64())));
        Arc::clone(quotas.entry(shard.clone()).or_insert_with(fresh))
    }

    /// Forgets the rate limits of shards that are not in `all`.
    pub(crate) fn keep(&self, all: &[Shard]) {
        let mut quotas = self.quotas.lock().unwrap_or_else(PoisonError::into_inner);
        let mut old = std::mem::take(&mut *quotas);
        let kept = all.iter().filter_map(|shard| old.remove_entry(&shard.id));
        quotas.extend(kept);
    }
}
