//! Keys: their records as they were put, in whatever shards.

use std::collections::BTreeMap;

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// No record is delivered for the first time after a later one of its partition key.
#[derive(Debug, Default)]
pub(super) struct KeysInOrder {
    /// The latest record that was delivered, by key.
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
