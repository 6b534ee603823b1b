//! Partition keys: the records of a key are first delivered in the order in which they were put,
//! across splits and merges.

use std::collections::BTreeMap;

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// The first delivery of a record never comes after the first delivery of a later record with the
/// same partition key.
///
/// Broken by a `Given` fact of a record that is delivered for the first time and has a lower number
/// than the newest of its key. Repeats may come in any order.
#[derive(Debug, Default)]
pub(super) struct KeysInOrder {
    /// The highest number among the delivered records of each key.
    newest: BTreeMap<String, u64>,
}

impl Invariant for KeysInOrder {
    fn name(&self) -> &'static str {
        "keys come in order"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        let Fact::Given(given) = fact else { return Ok(()) };
        let Some(record) = given.record.as_ref().filter(|record| record.first) else {
            return Ok(());
        };
        let Some(newest) = self.newest.get_mut(record.key) else {
            self.newest.insert(record.key.to_owned(), record.nth);
            return Ok(());
        };
        if record.nth >= *newest {
            *newest = record.nth;
            return Ok(());
        }
        let (key, nth) = (record.key, record.nth);
        Err(format!("{key}: its record {newest} is delivered before its record {nth}"))
    }
}
