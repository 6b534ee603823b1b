//! The methods of [`Judge`] about lease rows: rows that a test read, and writes that it saw.
//!
//! The invariants count records, while a real checkpoint is a sequence number. So the test says how
//! many records of the shard the checkpoint is behind, and the judge puts that number into the row.

use kcl_core::{
    coordinator::StoreCall,
    env::Time,
    lease::{Checkpoint, Lease, LeaseKey},
    stream::{Position, SequenceNumber},
};

use super::{Judge, Violation};
use crate::sim::fact::Fact;

impl Judge {
    /// Reports a lease row that was read, and returns what it broke. `passed` is the number of
    /// records of its shard that the checkpoint covers. Rows of roles and of shards that the judge
    /// does not know are ignored.
    pub fn row(&mut self, at: Time, row: &Lease, passed: u64) -> &[Violation] {
        let before = self.rows.get(&row.key).cloned();
        let call = StoreCall::Lease(row.key.clone());
        self.wrote(at, &call, before.as_ref(), (row, passed))
    }

    /// Reports an accepted call that changed a lease row from `before` to `after`, and returns what
    /// it broke. `before` is `None` for a new row. `after` comes with the number of records of its
    /// shard that the checkpoint covers.
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

    /// Reports that the end of a shard was written, and returns what it broke. `without_row` are
    /// those children of the shard that have no lease row.
    pub fn ended(&mut self, at: Time, row: &Lease, without_row: Vec<LeaseKey>) -> &[Violation] {
        let broken = self.broken.len();
        self.learn(at, &Fact::Ended { row, without_row });
        &self.broken[broken..]
    }

    /// Checks a row. The end of a shard is checked twice: first as a checkpoint at its last record,
    /// so that unread records count as skipped, then as the end.
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
            // The end covers every record.
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

/// A checkpoint that covers the first `records` records of a shard.
pub(super) fn after(records: u64) -> Checkpoint {
    if records == 0 {
        return Checkpoint::TrimHorizon;
    }
    Checkpoint::After(Position::from(SequenceNumber::from(u128::from(records))))
}
