//! A map that notes which entries were touched. Its owner recomputes the deadlines of these entries
//! alone, so the cost of an event does not grow with the number of leases or sessions.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Deref,
};

/// A map, and the keys of the entries that were put, changed or removed since
/// [`Self::take_touched`]. It is read like any map; no method changes an entry without a note.
#[derive(Debug)]
pub(super) struct Noted<K, V> {
    /// The map itself.
    entries: BTreeMap<K, V>,
    /// The keys of the entries that were put, changed or removed.
    touched: BTreeSet<K>,
}

impl<K: Ord + Clone, V> Noted<K, V> {
    pub(super) const fn new() -> Self {
        Self { entries: BTreeMap::new(), touched: BTreeSet::new() }
    }

    /// Takes the keys of the entries that were touched since the last call.
    pub(super) fn take_touched(&mut self) -> BTreeSet<K> {
        std::mem::take(&mut self.touched)
    }

    /// Notes every entry, as if each had changed.
    pub(super) fn touch_all(&mut self) {
        self.touched.extend(self.entries.keys().cloned());
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        self.touched.insert(key.clone());
        self.entries.insert(key, value);
    }

    /// The entry, to change it; `value` is put if there is none.
    pub(super) fn or_insert_with(&mut self, key: &K, value: impl FnOnce() -> V) -> &mut V {
        self.touched.insert(key.clone());
        self.entries.entry(key.clone()).or_insert_with(value)
    }

    /// The entry, to change it. It counts as touched, whether it is changed or not.
    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let entry = self.entries.get_mut(key);
        if entry.is_some() && !self.touched.contains(key) {
            self.touched.insert(key.clone());
        }
        entry
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let (key, value) = self.entries.remove_entry(key)?;
        self.touched.insert(key);
        Some(value)
    }

    /// Keeps the entries that `keeps` accepts; the others count as touched.
    pub(super) fn retain(&mut self, mut keeps: impl FnMut(&K, &V) -> bool) {
        let touched = &mut self.touched;
        self.entries.retain(|key, value| {
            let stays = keeps(key, value);
            if !stays {
                touched.insert(key.clone());
            }
            stays
        });
    }

    /// Removes every entry; each counts as touched.
    pub(super) fn clear(&mut self) {
        self.touch_all();
        self.entries.clear();
    }

    /// All entries, to change any of them. Notes every entry.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.touch_all();
        self.entries.iter_mut()
    }
}

impl<K, V> Deref for Noted<K, V> {
    type Target = BTreeMap<K, V>;

    fn deref(&self) -> &BTreeMap<K, V> {
        &self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_changes_an_entry_is_noted_once() {
        type Change = fn(&mut Noted<u8, u8>);
        let changes: [(&str, Change, &[u8]); 9] = [
            ("put", |map| map.insert(3, 0), &[3]),
            ("put if there is none", |map| *map.or_insert_with(&4, || 0) += 1, &[4]),
            ("got", |map| *map.get_mut(&1).unwrap() = 5, &[1]),
            ("removed", |map| assert_eq!(map.remove(&1), Some(1)), &[1]),
            ("not kept", |map| map.retain(|key, _| *key == 1), &[2]),
            ("cleared", Noted::clear, &[1, 2]),
            ("gone through", |map| map.iter_mut().for_each(|(_, value)| *value = 0), &[1, 2]),
            ("not there", |map| assert!(map.get_mut(&9).is_none()), &[]),
            ("not there, either", |map| assert_eq!(map.remove(&9), None), &[]),
        ];
        for (what, change, noted) in changes {
            let mut map = Noted::new();
            map.insert(1, 1);
            map.insert(2, 2);
            let _ = map.take_touched();
            change(&mut map);
            assert_eq!(map.take_touched().into_iter().collect::<Vec<_>>(), noted, "{what}");
            assert_eq!(map.take_touched(), BTreeSet::new(), "{what}");
        }
    }
}
