//! Which records are put next. Pure.

use std::{collections::BTreeSet, mem};

use super::{
    facts::{Millis, Produced},
    payload::Payload,
};

/// How many partition keys there are. More than a call takes, so that each call has a key once.
const KEYS: u32 = 1_000;

/// A record to put.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) record: Produced,
    pub(super) payload: Payload,
}

/// Which records are put next: first what was refused, then new ones, each key at most once.
#[derive(Debug)]
pub(super) struct Backlog {
    refused: Vec<Entry>,
    next_id: u64,
    next_key: u32,
    /// How many records each key has.
    counts: Vec<u32>,
}

impl Default for Backlog {
    fn default() -> Self {
        let counts = (0..KEYS).map(|_| 0).collect();
        Self { refused: Vec::new(), next_id: 0, next_key: 0, counts }
    }
}

impl Backlog {
    /// Whether nothing waits to be sent again.
    pub(super) const fn is_empty(&self) -> bool {
        self.refused.is_empty()
    }

    /// Takes back a record that the stream refused, to be sent again before any other of its key.
    pub(super) fn refuse(&mut self, entry: Entry) {
        self.refused.push(entry);
    }

    /// What was refused, and new records of other keys until there are `wanted`. All of it is
    /// acknowledged or refused before the next call.
    pub(super) fn next_batch(&mut self, wanted: u32, now: Millis) -> Vec<Entry> {
        let mut batch = mem::take(&mut self.refused);
        let waiting: BTreeSet<u32> = batch.iter().map(|entry| entry.record.key).collect();
        let wanted = usize::try_from(wanted.min(KEYS)).unwrap_or(usize::MAX);
        while batch.len() < wanted {
            let key = self.next_key;
            self.next_key = (self.next_key + 1) % KEYS;
            if !waiting.contains(&key) {
                batch.push(self.next_entry(key, now));
            }
        }
        batch
    }

    fn next_entry(&mut self, key: u32, now: Millis) -> Entry {
        let id = self.next_id;
        self.next_id += 1;
        let mut nth = 0;
        if let Some(count) = usize::try_from(key).ok().and_then(|key| self.counts.get_mut(key)) {
            nth = *count;
            *count += 1;
        }
        Entry { record: Produced { id, key, nth }, payload: Payload { id, sent: now } }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn records_of_a_key_are_acknowledged_in_order_whatever_is_refused(
            calls in prop::collection::vec((0..501_u32, any::<u64>()), 1..12),
        ) {
            let mut backlog = Backlog::default();
            let mut acknowledged: BTreeMap<u32, u32> = BTreeMap::new();
            for (wanted, fate) in calls.into_iter().chain([(0, 0)]) {
                let batch = backlog.next_batch(wanted, 1);
                let keys: BTreeSet<u32> = batch.iter().map(|entry| entry.record.key).collect();
                prop_assert_eq!(keys.len(), batch.len(), "each key once");
                for (place, entry) in batch.into_iter().enumerate() {
                    if fate >> (place % 64) & 1 == 1 {
                        backlog.refuse(entry);
                        continue;
                    }
                    let next = acknowledged.entry(entry.record.key).or_default();
                    prop_assert_eq!(entry.record.nth, *next);
                    *next += 1;
                }
            }
            prop_assert!(backlog.is_empty());
            let all: u32 = acknowledged.values().sum();
            prop_assert_eq!(u64::from(all), backlog.next_id);
        }
    }
}
