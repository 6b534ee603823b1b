//! Chooses the records of the next put: first those that the stream refused, then new ones. Pure.
//!
//! No batch has a key twice, and a refused record goes before any later record of its key. So the
//! records of a key enter the stream in the order of their numbers.

use std::{collections::BTreeSet, mem};

use super::{
    facts::{Millis, Produced},
    payload::Payload,
};

/// The number of partition keys. It is more than the 500 records that one `PutRecords` call takes,
/// so that a batch need not repeat a key.
const KEYS: u32 = 1_000;

/// A record to put.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) record: Produced,
    pub(super) payload: Payload,
}

/// The records that wait, and the state from which new ones are made.
#[derive(Debug)]
pub(super) struct Backlog {
    /// Records that the stream refused, or whose call failed.
    refused: Vec<Entry>,
    /// The number of the next new record.
    next_id: u64,
    /// The key of the next new record; the keys take turns.
    next_key: u32,
    /// The number of records of each key so far, by key.
    counts: Vec<u32>,
}

impl Default for Backlog {
    fn default() -> Self {
        let counts = (0..KEYS).map(|_| 0).collect();
        Self { refused: Vec::new(), next_id: 0, next_key: 0, counts }
    }
}

impl Backlog {
    /// Whether no refused record waits.
    pub(super) const fn is_empty(&self) -> bool {
        self.refused.is_empty()
    }

    /// Takes back a record of the last batch, for the next batch.
    pub(super) fn refuse(&mut self, entry: Entry) {
        self.refused.push(entry);
    }

    /// All refused records, and new records of other keys until the batch has `wanted`. Before the
    /// next call of this function the caller must acknowledge or refuse each of them.
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

    /// A new record of a key, with the next numbers of the stream and of the key.
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
