//! Finds the ends of shards in readings of the store, and children that have no row then: the rows
//! of children must be put before the end of their parent is written.

use std::collections::BTreeSet;

use kcl_core::lease::{Lease, LeaseKey};

use super::super::Reading;

/// The shards that had ended at the last reading.
///
/// A reading takes time. The row of a child may be put just behind the read, and the end of the
/// parent be written before the read reaches it: that is correct. But a child without a row in the
/// next reading, which began later, was not put before the end.
#[derive(Debug, Default)]
pub(super) struct Ends {
    ended: BTreeSet<LeaseKey>,
}

impl Ends {
    /// Each shard that had ended at the reading before and still has a row, with those of its
    /// children that have no row.
    pub(super) fn seen_in<'a>(&mut self, reading: &'a Reading) -> Vec<(&'a Lease, Vec<LeaseKey>)> {
        let there: BTreeSet<&LeaseKey> = reading.rows.iter().map(|row| &row.key).collect();
        let without_row = |row: &Lease| {
            let stream = row.key.stream()?;
            let children = row.children.iter().map(|child| LeaseKey::of_shard(&stream, child));
            Some(children.filter(|child| !there.contains(child)).collect())
        };
        let ended = || reading.rows.iter().filter(|row| row.has_ended());
        let again = ended().filter(|row| self.ended.contains(&row.key));
        let seen = again.filter_map(|row| Some((row, without_row(row)?))).collect();
        self.ended = ended().map(|row| row.key.clone()).collect();
        seen
    }
}
