//! Was every record processed, and in order?

use std::collections::{BTreeMap, BTreeSet};

use kcl_core::{
    lease::Epoch,
    stream::{SequenceNumber, ShardId},
};
use serde::Serialize;

use crate::demo::facts::{Cue, Delivery, History};

/// What became of the records. All counts are of records or deliveries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(in crate::demo) struct Records {
    /// Acknowledged by the stream.
    pub(in crate::demo) produced: usize,
    /// Of those, processed at least once.
    pub(in crate::demo) processed: usize,
    /// Of those, never processed.
    pub(in crate::demo) lost: usize,
    /// Deliveries of a record that had been processed before.
    pub(in crate::demo) duplicates: usize,
    /// Deliveries out of the order of their shard: after a later record of the same shard under
    /// the same epoch, or for the first time after a later record's first time. (Under a new epoch
    /// a shard is read again from its checkpoint: those are duplicates.)
    pub(in crate::demo) out_of_order_shard: usize,
    /// First deliveries after the first delivery of a later record of the same partition key, in
    /// whatever shards they are.
    pub(in crate::demo) out_of_order_key: usize,
    /// Deliveries from a shard before all of its ancestors' records had been processed.
    pub(in crate::demo) before_parent: usize,
    /// Deliveries under an epoch older than one already seen for the shard: by a worker that had
    /// lost the lease.
    pub(in crate::demo) stale_epoch: usize,
    /// Deliveries of records that the stream never acknowledged.
    pub(in crate::demo) unknown: usize,
}

impl Records {
    /// What is wrong, in words.
    pub(super) fn problems(&self) -> Vec<String> {
        let wrong = [
            (self.lost, "were never processed"),
            (self.out_of_order_shard, "were processed out of the order of their shard"),
            (self.out_of_order_key, "were processed out of the order of their partition key"),
            (self.before_parent, "were processed before their parent shard's"),
            (self.stale_epoch, "were processed by a worker that had lost the lease"),
            (self.unknown, "were processed and never acknowledged as produced"),
        ];
        let wrong = wrong.iter().filter(|(count, _)| *count > 0);
        let mut problems: Vec<String> =
            wrong.map(|(count, what)| format!("{count} records {what}")).collect();
        if self.produced == 0 {
            problems.push("no records were produced".into());
        }
        problems
    }
}

/// What is remembered of a shard while its deliveries pass by.
#[derive(Default)]
struct Shard<'a> {
    /// The latest record of those delivered for the first time.
    newest: Option<&'a SequenceNumber>,
    /// The newest epoch seen.
    epoch: Epoch,
    /// The last record delivered under each epoch.
    last: BTreeMap<Epoch, &'a SequenceNumber>,
    /// When its last record was delivered for the first time, as a place in the history.
    ended: usize,
}

pub(super) fn judge(history: &History) -> Records {
    let known: BTreeMap<u64, (u32, u32)> =
        history.produced.iter().map(|record| (record.id, (record.key, record.nth))).collect();
    let parents = parents(history);
    let mut found = Records { produced: known.len(), ..Records::default() };
    let mut seen = BTreeSet::new();
    let mut shards: BTreeMap<&ShardId, Shard<'_>> = BTreeMap::new();
    let mut keys: BTreeMap<u32, u32> = BTreeMap::new();
    for (place, delivery) in history.deliveries.iter().enumerate() {
        let first = seen.insert(delivery.id);
        found.duplicates += usize::from(!first);
        let shard = shards.entry(&delivery.shard).or_default();
        found.stale_epoch += usize::from(delivery.epoch < shard.epoch);
        found.out_of_order_shard += usize::from(!shard.takes(delivery, first, place));
        let Some((key, nth)) = known.get(&delivery.id) else {
            found.unknown += usize::from(first);
            continue;
        };
        found.processed += usize::from(first);
        if first {
            let next = keys.entry(*key).or_default();
            found.out_of_order_key += usize::from(nth < next);
            *next = (*next).max(nth + 1);
        }
    }
    found.lost = found.produced - found.processed;
    found.before_parent = before_parent(&history.deliveries, &parents, &shards);
    found
}

impl<'a> Shard<'a> {
    /// Whether a delivery is in order here.
    fn takes(&mut self, delivery: &'a Delivery, first: bool, place: usize) -> bool {
        let sequence = &delivery.sequence;
        self.epoch = self.epoch.max(delivery.epoch);
        let before = self.last.insert(delivery.epoch, sequence);
        let mut in_order = before.is_none_or(|before| before < sequence);
        if first {
            in_order &= self.newest.is_none_or(|newest| newest < sequence);
            self.newest = self.newest.max(Some(sequence));
            self.ended = place;
        }
        in_order
    }
}

/// Each child's parent.
fn parents(history: &History) -> BTreeMap<&ShardId, &ShardId> {
    let splits = history.events.iter().filter_map(|event| match &event.cue {
        Cue::Split(splits) => Some(splits),
        _ => None,
    });
    let pairs = splits
        .flatten()
        .flat_map(|split| split.children.iter().map(move |child| (child, &split.parent)));
    pairs.collect()
}

fn before_parent(
    deliveries: &[Delivery],
    parents: &BTreeMap<&ShardId, &ShardId>,
    shards: &BTreeMap<&ShardId, Shard<'_>>,
) -> usize {
    let parent = |shard: &&ShardId| parents.get(*shard).copied();
    let early = |(place, delivery): &(usize, &Delivery)| {
        // A parent may be empty, and its own parent not.
        let mut ancestors = std::iter::successors(parent(&&delivery.shard), parent);
        ancestors.any(|shard| shards.get(shard).is_some_and(|shard| shard.ended > *place))
    };
    deliveries.iter().enumerate().filter(early).count()
}
