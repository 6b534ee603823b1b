//! The memory of this process: facts about its leases that the store may have lost (PROTOCOL rule
//! 13).
//!
//! The memory overrules a row with an older checkpoint only after the store went back in time. At
//! any other time an operator may have set the checkpoint back. A row that does not exist is put
//! again from memory at any time. If processors write their effects into the store itself, the row
//! always decides.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    coordinator::document::{Assignment, Revoke},
    lease::{Checkpoint, Epoch, Lease, LeaseKey},
    stream::ShardId,
};

/// How many ended shards are remembered.
const ENDS_KEPT: usize = 1_000;

/// The shards that continue an ended shard.
#[derive(Clone, Debug, Default)]
pub(super) struct Ended {
    /// The ids of the children.
    pub(super) names: Vec<ShardId>,
    /// The rows that this process put for them; empty if another process put them.
    pub(super) rows: Vec<Lease>,
}

/// Facts that this process knows although its store may have lost them: see the module.
#[derive(Debug, Default)]
pub(super) struct RollbackMemory {
    /// The row of each lease held here, with the newest known checkpoint.
    pub(super) held: BTreeMap<LeaseKey, Lease>,
    /// The shards that ended here.
    pub(super) ended: BTreeMap<LeaseKey, Ended>,
    /// Orders to release a row without a run, by epoch, that were followed already.
    given: BTreeMap<LeaseKey, Epoch>,
    /// Whether the store went back in time: only then may memory overrule a row.
    pub(super) overrules_rows: bool,
    /// Whether the effects of processors go back in time with the rows: then memory never overrules
    /// a row.
    pub(super) effects_follow: bool,
    /// The number of the last change of the application when the store lost the session. The next
    /// session takes up the leases, if there was no other change since.
    pub(super) outlives: Option<u64>,
}

impl RollbackMemory {
    /// Remembers the row of a held lease.
    pub(super) fn hold(&mut self, row: &Lease) {
        self.held.insert(row.key.clone(), row.clone());
    }

    /// Remembers that a shard ended here.
    pub(super) fn end(&mut self, key: &LeaseKey, ended: Ended) {
        self.held.remove(key);
        self.ended.insert(key.clone(), ended);
        if self.ended.len() > ENDS_KEPT {
            self.ended.pop_first();
        }
    }

    /// The store went back in time, and may have lost releases that followed orders. Whether memory
    /// overrules rows from now on.
    pub(super) fn overrule(&mut self) -> bool {
        if releases_may_be_lost() {
            self.given.clear();
        }
        self.overrules_rows = !self.effects_follow;
        self.overrules_rows
    }

    /// Whether a known checkpoint counts for more than a row that is behind it.
    fn writes_forward(&self) -> bool {
        self.overrules_rows && !planted!(NotWrittenForward)
    }

    /// Whether a lost row is put again from memory.
    fn makes_rows_anew(&self) -> bool {
        !self.effects_follow && !planted!(LostRowLeft)
    }

    /// Where to start the run of an acquired row: its checkpoint, or the known one if that is ahead
    /// and memory overrules rows.
    pub(super) fn furthest(&self, row: &Lease) -> Checkpoint {
        let held = self.held.get(&row.key);
        if is_read_from_what_is_known() {
            return held.unwrap_or(row).checkpoint.clone();
        }
        match held.filter(|_| self.writes_forward()).map(|held| &held.checkpoint) {
            Some(known) if known.may_follow(&row.checkpoint) => {
                sometimes!(WrittenForward);
                known.clone()
            }
            _ => row.checkpoint.clone(),
        }
    }

    /// The children of a shard that ended here, if memory overrules rows.
    pub(super) fn end_of(&self, key: &LeaseKey) -> Option<Ended> {
        self.ended.get(key).filter(|_| self.overrules_rows).cloned()
    }

    /// The row to put for a lease that was held here and has no row; `None` if it was not held
    /// here, or if effects follow the store.
    pub(super) fn lost_row(&self, key: &LeaseKey) -> Option<Lease> {
        let mut row = self.held.get(key).filter(|_| self.makes_rows_anew())?.clone();
        sometimes!(LostRowMade);
        row.owner = None;
        Some(row)
    }

    /// The memory of the next session. It is empty after a fence, since other sessions have
    /// acquired the leases and gone on.
    pub(super) fn next_life(&mut self) -> Self {
        if self.outlives.is_none() {
            self.forget();
        }
        std::mem::take(self)
    }

    /// Whether this session takes up the leases that a lost session held. It does not after another
    /// change of the application: then the rows say where to read, and the memory is emptied. Only
    /// the first call can return true.
    pub(super) fn is_taken_up(&mut self, change: u64) -> bool {
        let Some(under) = self.outlives.take() else { return false };
        if under != change {
            self.forget();
        }
        self.overrules_rows
    }

    /// Forgets everything but whether effects follow the store.
    pub(super) fn forget(&mut self) {
        *self = Self { effects_follow: self.effects_follow, ..Self::default() };
    }

    /// Whether this order to release a row was followed already.
    pub(super) fn has_given(&self, give: &Revoke) -> bool {
        self.given.get(&give.key) == Some(&give.epoch)
    }

    /// Notes that this order was followed.
    pub(super) fn note_given(&mut self, give: &Revoke) {
        self.given.insert(give.key.clone(), give.epoch);
    }

    /// Forgets leases that are neither held nor planned for this session.
    pub(super) fn keep_only<'a>(
        &mut self,
        assignment: &Assignment,
        held: impl Iterator<Item = &'a LeaseKey>,
    ) {
        let mut keys: BTreeSet<&LeaseKey> = held.collect();
        keys.extend(assignment.holds.iter().map(|hold| &hold.key));
        self.held.retain(|key, _| keys.contains(key) || is_read_from_what_is_known());
        self.given.retain(|key, _| assignment.gives.iter().any(|give| give.key == *key));
    }
}

/// Whether a store that went back may have lost releases that followed orders.
fn releases_may_be_lost() -> bool {
    !planted!(OrdersFollowedOnce)
}

/// Whether a run starts from memory instead of the row that its acquire returned.
fn is_read_from_what_is_known() -> bool {
    planted!(StartedFromEarlierRead)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(sequence: u128) -> Lease {
        let at = crate::stream::Position::new(sequence.into(), 0);
        Lease::new("orders/1/shardId-000000000000".parse().unwrap(), Checkpoint::After(at))
    }

    #[test]
    fn memory_writes_a_store_forward_that_went_back_unless_effects_went_back_too() {
        for effects_follow in [false, true] {
            let mut memory = RollbackMemory { effects_follow, ..RollbackMemory::default() };
            memory.hold(&row(9));
            assert_eq!(memory.furthest(&row(5)), row(5).checkpoint, "an operator is obeyed");
            assert_eq!(memory.lost_row(&row(5).key).is_none(), effects_follow);
            assert_eq!(memory.overrule(), !effects_follow);
            let expected = if effects_follow { row(5) } else { row(9) };
            assert_eq!(memory.furthest(&row(5)), expected.checkpoint);
            memory.end(&row(9).key, Ended::default());
            assert_eq!(memory.end_of(&row(5).key).is_none(), effects_follow);
        }
    }

    #[test]
    fn of_very_many_shards_that_ended_the_first_are_forgotten() {
        let mut memory = RollbackMemory::default();
        let key = |number: usize| format!("orders/1/shardId-{number:012}").parse().unwrap();
        for number in 0..=ENDS_KEPT {
            memory.end(&key(number), Ended::default());
        }
        assert!(memory.overrule());
        assert!(memory.end_of(&key(0)).is_none());
        assert!(memory.end_of(&key(1)).is_some() && memory.end_of(&key(ENDS_KEPT)).is_some());
    }

    #[test]
    fn the_next_life_knows_what_this_one_held_only_if_the_store_lost_the_session() {
        for lost in [false, true] {
            let mut memory =
                RollbackMemory { outlives: lost.then_some(4), ..RollbackMemory::default() };
            memory.hold(&row(9));
            let mut next = memory.next_life();
            assert_eq!(next.lost_row(&row(9).key).is_some(), lost, "others have gone on else");
            next.overrules_rows = true;
            assert_eq!(next.is_taken_up(4), lost);
        }
    }
}
