//! Chooses one order of all facts: of the possible orders, the one that is best for the fleet.

use std::collections::{BTreeMap, VecDeque};

use kcl_core::stream::Shard;

use super::super::{Delivery, History, Reading};

/// A fact of the history.
#[derive(Clone, Copy, Debug)]
pub(super) enum Seen<'a> {
    Delivery(&'a Delivery),
    Rows(&'a Reading),
}

impl Seen<'_> {
    const fn pass(self) -> u64 {
        match self {
            Self::Delivery(delivery) => delivery.pass,
            Self::Rows(reading) => reading.pass,
        }
    }
}

/// The facts that are not ordered yet.
struct Sources<'a> {
    /// A queue for each process, and one for the readings; each is in its own order.
    queues: Vec<VecDeque<Seen<'a>>>,
    /// The number of deliveries in the queues, by shard and epoch.
    pending: BTreeMap<&'a str, BTreeMap<u64, usize>>,
    /// The parents of each shard.
    parents: BTreeMap<&'a str, Vec<&'a str>>,
}

/// Orders all facts. A fact of one queue that was seen two passes before a fact of another queue
/// was certainly first. Where that leaves a choice, records of a former owner and of parents come
/// first, and rows come after the records that their checkpoints may cover.
///
/// A delivery is taken too early only if every fact that may be next is too early. Then the facts
/// it waits for were certainly later, or wait for it in turn: no order is correct. The records of a
/// key are in one shard or in its descendants, so there is no better order for them either.
pub(super) fn in_order<'a>(history: &'a History, shards: &'a [Shard]) -> Vec<Seen<'a>> {
    let mut sources = Sources::new(history, shards);
    std::iter::from_fn(|| sources.next()).collect()
}

impl<'a> Sources<'a> {
    fn new(history: &'a History, shards: &'a [Shard]) -> Self {
        let mut lives: BTreeMap<usize, VecDeque<Seen<'a>>> = BTreeMap::new();
        let mut pending: BTreeMap<&str, BTreeMap<u64, usize>> = BTreeMap::new();
        for delivery in &history.deliveries {
            lives.entry(delivery.life).or_default().push_back(Seen::Delivery(delivery));
            *pending.entry(&delivery.shard).or_default().entry(delivery.epoch).or_default() += 1;
        }
        let rows = history.readings.iter().map(Seen::Rows).collect();
        let parents = shards.iter().map(|shard| {
            (shard.id.as_str(), shard.parents.iter().map(|parent| parent.as_str()).collect())
        });
        Self {
            queues: lives.into_values().chain([rows]).collect(),
            pending,
            parents: parents.collect(),
        }
    }

    /// Takes the next fact: of the queues' heads that may be first, the best one.
    fn next(&mut self) -> Option<Seen<'a>> {
        let heads = self.queues.iter().filter_map(|queue| queue.front().copied());
        let first = heads.map(Seen::pass).min()?;
        let possible = |queue: &&mut VecDeque<Seen<'a>>| {
            queue.front().is_some_and(|seen| seen.pass() < first + 2)
        };
        let (pending, parents) = (&self.pending, &self.parents);
        let waits = |queue: &&mut VecDeque<Seen<'a>>| match queue.front() {
            Some(Seen::Delivery(delivery)) if is_too_early(delivery, pending, parents) => 2,
            Some(Seen::Rows(_)) => 1,
            _ => 0,
        };
        let rank = |queue: &&mut VecDeque<Seen<'a>>| {
            (waits(queue), queue.front().map_or(u64::MAX, |seen| seen.pass()))
        };
        let queue = self.queues.iter_mut().filter(possible).min_by_key(rank)?;
        let seen = queue.pop_front()?;
        if let Seen::Delivery(delivery) = seen
            && let Some(epochs) = self.pending.get_mut(&*delivery.shard)
            && let Some(left) = epochs.get_mut(&delivery.epoch)
        {
            *left -= 1;
            if *left == 0 {
                epochs.remove(&delivery.epoch);
            }
        }
        Some(seen)
    }
}

/// Whether the queues still have records of a former owner of the shard, or of a parent.
fn is_too_early(
    delivery: &Delivery,
    pending: &BTreeMap<&str, BTreeMap<u64, usize>>,
    parents: &BTreeMap<&str, Vec<&str>>,
) -> bool {
    let any = |shard: &str, below: u64| {
        pending.get(shard).is_some_and(|epochs| epochs.range(..below).next().is_some())
    };
    let parents = parents.get(&*delivery.shard).map_or(&[][..], Vec::as_slice);
    any(&delivery.shard, delivery.epoch) || parents.iter().any(|parent| any(parent, u64::MAX))
}
