//! What this process knows although its store may have lost it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    coordinator::document::{Assignment, Revoke},
    lease::{Checkpoint, Epoch, Lease, LeaseKey},
    stream::ShardId,
};

/// Ended shards remembered for a store that goes back in time.
const ENDS_KEPT: usize = 1_000;

/// What continues a shard that ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Ended {
    /// The children's names.
    pub(super) names: Vec<ShardId>,
    /// The rows that were put for them, as far as it was done here.
    pub(super) rows: Vec<Lease>,
}

/// What this process knows although its store may have lost it.
#[derive(Debug, Default)]
pub(super) struct RollbackMemory {
    /// Rows of leases held, with the newest checkpoint known to be processed.
    pub(super) held: BTreeMap<LeaseKey, Lease>,
    /// Shards that ended here.
    pub(super) ended: BTreeMap<LeaseKey, Ended>,
    /// Orders to release a lease that was not run, which have been followed.
    given: BTreeMap<LeaseKey, Epoch>,
    /// Whether the store went back in time: only then does memory overrule a row. Otherwise an
    /// operator who sets a checkpoint back would not be obeyed.
    pub(super) overrules_rows: bool,
    /// Whether effects go back in time with the rows: then memory never overrules.
    pub(super) effects_follow: bool,
    /// The store lost the session: its next life takes up what it held, if the last change of the
    /// application is still this one.
    pub(super) outlives: Option<u64>,
}

impl RollbackMemory {
    pub(super) fn hold(&mut self, row: &Lease) {
        self.held.insert(row.key.clone(), row.clone());
    }

    pub(super) fn end(&mut self, key: &LeaseKey, ended: Ended) {
        self.held.remove(key);
        self.ended.insert(key.clone(), ended);
        if self.ended.len() > ENDS_KEPT {
            self.ended.pop_first();
        }
    }

    /// The store went back in time, and may have lost the releases that followed orders; whether
    /// memory overrules it from now on.
    pub(super) fn overrule(&mut self) -> bool {
        if releases_may_be_lost() {
            self.given.clear();
        }
        self.overrules_rows = !self.effects_follow;
        self.overrules_rows
    }

    /// Whether what is known here counts for more than a row that is behind it.
    fn writes_forward(&self) -> bool {
        self.overrules_rows && !planted!(NotWrittenForward)
    }

    /// Whether a row that the store lost is made anew.
    fn makes_rows_anew(&self) -> bool {
        !self.effects_follow && !planted!(LostRowLeft)
    }

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

    pub(super) fn end_of(&self, key: &LeaseKey) -> Option<Ended> {
        self.ended.get(key).filter(|_| self.overrules_rows).cloned()
    }

    /// The row to make anew for a lease that was held here and whose row is gone.
    pub(super) fn lost_row(&self, key: &LeaseKey) -> Option<Lease> {
        let mut row = self.held.get(key).filter(|_| self.makes_rows_anew())?.clone();
        sometimes!(LostRowMade);
        row.owner = None;
        Some(row)
    }

    /// What the next session knows. After a fence, others have gone on: nothing.
    pub(super) fn next_life(&mut self) -> Self {
        if self.outlives.is_none() {
            self.forget();
        }
        std::mem::take(self)
    }

    /// Whether the session follows one that the store lost, under the same change of the
    /// application; asked once. Under another, rows say where to read: all else is forgotten.
    pub(super) fn is_taken_up(&mut self, change: u64) -> bool {
        let Some(under) = self.outlives.take() else { return false };
        if under != change {
            self.forget();
        }
        self.overrules_rows
    }

    /// Forgets what rows say otherwise.
    pub(super) fn forget(&mut self) {
        *self = Self { effects_follow: self.effects_follow, ..Self::default() };
    }

    pub(super) fn has_given(&self, give: &Revoke) -> bool {
        self.given.get(&give.key) == Some(&give.epoch)
    }

    pub(super) fn note_given(&mut self, give: &Revoke) {
        self.given.insert(give.key.clone(), give.epoch);
    }

    /// Forgets leases that are neither held nor planned for me.
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

/// Whether a store that went back may have lost the releases that followed orders: it may.
fn releases_may_be_lost() -> bool {
    !planted!(OrdersFollowedOnce)
}

/// Whether a run starts from what is known here, instead of the row that the acquire brought.
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
