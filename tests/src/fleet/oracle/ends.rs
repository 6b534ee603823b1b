//! Ends of shards as readings show them, with those of their children that have no row.

use std::collections::BTreeSet;

use kcl_core::lease::{Lease, LeaseKey};

use super::super::Reading;

/// Which shards had ended at the last reading.
///
/// A reading is not made at one moment: the row of a child may be put after its place was read,
/// and the end of its parent be written before that is. Children that are not there in the next
/// reading, which began later, were not put before the end.
#[derive(Debug, Default)]
pub(super) struct Ends {
    ended: BTreeSet<LeaseKey>,
}

impl Ends {
    /// Each shard that had ended at the reading before and is not gone since; and which children
    /// that it names have no row.
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
