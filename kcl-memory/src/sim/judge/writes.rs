//! What is seen of the store: rows that are read, and writes to them.

use kcl_core::{
    coordinator::StoreCall,
    env::Time,
    lease::{Checkpoint, Lease, LeaseKey},
    stream::{Position, SequenceNumber},
};

use super::{Judge, Violation};
use crate::sim::fact::Fact;

impl Judge {
    /// A lease row was read, whose checkpoint leaves `passed` records of its shard behind: what it
    /// breaks. Rows of roles are not judged, nor those of unknown shards.
    pub fn row(&mut self, at: Time, row: &Lease, passed: u64) -> &[Violation] {
        let before = self.rows.get(&row.key).cloned();
        let call = StoreCall::Lease(row.key.clone());
        self.wrote(at, &call, before.as_ref(), (row, passed))
    }

    /// A call was accepted, and made of a lease row this one, whose checkpoint leaves `passed`
    /// records of its shard behind: what that breaks.
    pub fn wrote(
        &mut self,
        at: Time,
        call: &StoreCall,
        before: Option<&Lease>,
        after: (&Lease, u64),
    ) -> &[Violation] {
        let broken = self.broken.len();
        self.saw(at, call, before, after);
        &self.broken[broken..]
    }

    /// The end of a shard was written; which of the children that it names have no row: what that
    /// breaks.
    pub fn ended(&mut self, at: Time, row: &Lease, without_row: Vec<LeaseKey>) -> &[Violation] {
        let broken = self.broken.len();
        self.learn(at, &Fact::Ended { row, without_row });
        &self.broken[broken..]
    }

    fn saw(
        &mut self,
        at: Time,
        call: &StoreCall,
        before: Option<&Lease>,
        (row, passed): (&Lease, u64),
    ) {
        let number = row.key.shard().and_then(|shard| self.numbers.get(&shard).copied());
        let Some(shard) = number else { return };
        let mut row = row.clone();
        let has_ended = row.has_ended();
        if matches!(row.checkpoint, Checkpoint::After(_)) {
            row.checkpoint = after(passed);
        } else if has_ended && !before.is_some_and(Lease::has_ended) {
            // The end leaves every record behind.
            row.checkpoint = after(self.shards[shard].records);
        }
        self.learn(at, &Fact::row_seen(call, before, Some(&row), Some(shard)));
        if has_ended {
            row.checkpoint = Checkpoint::ShardEnd;
            let read = StoreCall::Lease(row.key.clone());
            self.learn(at, &Fact::row_seen(&read, Some(&row), Some(&row), Some(shard)));
        }
        self.rows.insert(row.key.clone(), row);
    }
}

/// A checkpoint that leaves so many records behind.
pub(super) fn after(records: u64) -> Checkpoint {
    if records == 0 {
        return Checkpoint::TrimHorizon;
    }
    Checkpoint::After(Position::from(SequenceNumber::from(u128::from(records))))
}
