//! After a lapse, a fence, or a store that went back in time.

use std::collections::BTreeMap;

use super::{Ask, Handoff, tenure::Phase, wish::Wish};
use crate::{
    coordinator::{
        Assignment,
        call::{StoreCall, StoreOutcome, StoreReply},
        command::{DropReason, LossReason, RunOrder},
        context::{Context, Purpose},
        document::Give,
    },
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
pub(super) struct Memory {
    /// Rows of leases held, with the newest checkpoint known to be processed.
    held: BTreeMap<LeaseKey, Lease>,
    /// Shards that ended here.
    ended: BTreeMap<LeaseKey, Ended>,
    /// Orders to release a lease that was not run, which have been followed.
    given: BTreeMap<LeaseKey, Epoch>,
    /// Whether the store went back in time: only then does memory overrule a row. Otherwise an
    /// operator who sets a checkpoint back would not be obeyed.
    overrules: bool,
    /// Whether effects go back in time with the rows: then memory never overrules.
    follows: bool,
    /// The store lost the session: its next life takes up what it held.
    outlives: bool,
}

impl Memory {
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
    fn overrule(&mut self) -> bool {
        if !planted!(OrdersFollowedOnce) {
            self.given.clear();
        }
        self.overrules = !self.follows;
        self.overrules
    }

    pub(super) fn furthest(&self, row: &Lease) -> Checkpoint {
        let held = self.held.get(&row.key);
        if planted!(StartedFromEarlierRead) {
            return held.unwrap_or(row).checkpoint.clone();
        }
        let known = held.filter(|_| self.overrules && !planted!(NotWrittenForward));
        match known.map(|held| &held.checkpoint) {
            Some(known) if known.may_follow(&row.checkpoint) => {
                sometimes!(WrittenForward);
                known.clone()
            }
            _ => row.checkpoint.clone(),
        }
    }

    pub(super) fn end_of(&self, key: &LeaseKey) -> Option<Ended> {
        self.ended.get(key).filter(|_| self.overrules).cloned()
    }

    /// The row to make anew for a lease that was held here and whose row is gone.
    pub(super) fn lost_row(&self, key: &LeaseKey) -> Option<Lease> {
        let known = self.held.get(key).filter(|_| !self.follows && !planted!(LostRowLeft));
        let mut row = known?.clone();
        sometimes!(LostRowMade);
        row.owner = None;
        Some(row)
    }

    /// What the next session knows. After a fence, others have gone on: nothing.
    pub(super) fn next_life(&mut self) -> Self {
        let follows = self.follows;
        let known = std::mem::take(self);
        if known.outlives { known } else { Self { follows, ..Self::default() } }
    }

    pub(super) fn has_given(&self, give: &Give) -> bool {
        self.given.get(&give.key) == Some(&give.epoch)
    }

    pub(super) fn note_given(&mut self, give: &Give) {
        self.given.insert(give.key.clone(), give.epoch);
    }

    /// Forgets leases that are neither held nor planned for me.
    pub(super) fn keep_only<'a>(
        &mut self,
        assignment: &Assignment,
        held: impl Iterator<Item = &'a LeaseKey>,
    ) {
        let mut keys: std::collections::BTreeSet<&LeaseKey> = held.collect();
        keys.extend(assignment.holds.iter().map(|hold| &hold.key));
        self.held.retain(|key, _| keys.contains(key) || planted!(StartedFromEarlierRead));
        self.given.retain(|key, _| assignment.gives.iter().any(|give| give.key == *key));
    }
}

impl Handoff {
    pub(in crate::coordinator) const fn follow_the_store(&mut self) {
        self.memory.follows = true;
    }

    /// The deadline passed: nothing may be dispatched. What was to be drained is dropped.
    pub(in crate::coordinator) fn on_lapse(&mut self, ctx: &mut Context) {
        self.lapses += 1;
        for (key, tenure) in &mut self.tenures {
            let epoch = tenure.lease.epoch;
            match &mut tenure.phase {
                Phase::Running => {
                    tenure.phase = Phase::Suspended { reading: false };
                    ctx.run(key, epoch, RunOrder::Suspend);
                }
                Phase::Suspended { reading } => *reading = false,
                Phase::Draining { to, .. } => {
                    let to = to.take();
                    tenure.phase = Phase::Dropping { to };
                    ctx.run(key, epoch, RunOrder::Drop(DropReason::TimedOut));
                }
                Phase::Dropping { .. } | Phase::Ending(_) => {}
            }
        }
    }

    /// Reads the rows of suspended leases: those that are still mine go on in place.
    pub(in crate::coordinator) fn revalidate(&mut self, ctx: &mut Context) {
        if !self.valid {
            return;
        }
        for (key, tenure) in &mut self.tenures {
            if planted!(ResumedUnread) && matches!(tenure.phase, Phase::Suspended { .. }) {
                tenure.phase = Phase::Running;
                ctx.run(key, tenure.epoch(), RunOrder::Resume);
            }
            if let Phase::Suspended { reading: reading @ false } = &mut tenure.phase {
                *reading = true;
                let ask = Purpose::Handoff(Ask::Revalidate(key.clone(), self.lapses));
                ctx.ask(StoreCall::Lease(key.clone()), ask);
            }
        }
    }

    pub(super) fn on_revalidated(
        &mut self,
        key: &LeaseKey,
        lapse: u64,
        outcome: StoreOutcome,
        ctx: &mut Context,
    ) {
        if lapse != self.lapses {
            return;
        }
        let Some(tenure) = self.tenures.get_mut(key) else { return };
        let epoch = tenure.epoch();
        let Phase::Suspended { reading } = &mut tenure.phase else { return };
        *reading = false;
        match outcome {
            Ok(StoreReply::Lease(Some(row)))
                if row.is_held_by(&self.me, epoch) && self.valid && !planted!(LapsedStartsAnew) =>
            {
                sometimes!(ResumedInPlace);
                tenure.phase = Phase::Running;
                ctx.run(key, epoch, RunOrder::Resume);
            }
            Ok(StoreReply::Lease(Some(row)))
                if !row.is_held_by(&self.me, epoch) || planted!(LapsedStartsAnew) =>
            {
                sometimes!(LostMeanwhile);
                self.on_not_mine(key, LossReason::Taken, ctx);
            }
            Ok(StoreReply::Lease(None)) => self.on_not_mine(key, LossReason::Gone, ctx),
            // Read again at the next beat.
            _ => {}
        }
    }

    /// This session was ended: nothing it held is its own any more.
    pub(in crate::coordinator) fn lose_all(&mut self, reason: LossReason, ctx: &mut Context) {
        let keys: Vec<LeaseKey> = self.tenures.keys().cloned().collect();
        for key in keys {
            self.lose(&key, reason, ctx);
        }
        self.wishes.clear();
        self.acquiring.clear();
        self.releases.clear();
        self.merging.clear();
    }

    /// The store may have lost its last writes, this session's claims among them. Every lease held
    /// is acquired anew and written forward, as is every shard that ended here; where effects went
    /// back with the rows, both go on from what the rows say.
    pub(in crate::coordinator) fn on_store_went_back(&mut self, ctx: &mut Context) {
        let overrules = self.memory.overrule();
        ctx.ended.clear();
        let keys: Vec<LeaseKey> = self.tenures.keys().cloned().collect();
        for key in keys {
            self.remember_progress(&key);
            self.lose(&key, LossReason::Taken, ctx);
            self.wishes.insert(key, Wish::new(None, ctx.now));
        }
        let ended: Vec<LeaseKey> = self.memory.ended.keys().cloned().collect();
        for key in ended.into_iter().filter(|_| overrules) {
            self.wishes.insert(key, Wish::repair(ctx.now));
        }
        self.pursue_due(ctx);
    }

    /// The store lost this session and all it held. The rows are put again, as far as the store
    /// has none, each at the checkpoint that is known here.
    pub(in crate::coordinator) fn give_back(&mut self, ctx: &mut Context) {
        // It may lose the next session, too, before that has taken up what this one held.
        let again = std::mem::replace(&mut self.memory.outlives, true);
        ctx.ended.clear();
        let (tenures, wishes) = (&self.tenures, &self.wishes);
        let counts = |key: &LeaseKey| tenures.contains_key(key) || wishes.contains_key(key);
        self.memory.held.retain(|key, _| again || counts(key));
        if !self.memory.overrule() {
            return;
        }
        let keys: Vec<LeaseKey> = self.memory.held.keys().cloned().collect();
        for key in keys {
            self.remember_progress(&key);
            if let Some(row) = self.memory.lost_row(&key) {
                ctx.ask(StoreCall::Create(row), Purpose::Nobody);
            }
        }
    }

    /// This session follows one that the store lost: it takes up what that one held and ended.
    pub(in crate::coordinator) fn take_up(&mut self, ctx: &mut Context) {
        if !std::mem::take(&mut self.memory.outlives) || !self.memory.overrules {
            return;
        }
        for key in self.memory.held.keys() {
            self.wishes.insert(key.clone(), Wish::new(None, ctx.now));
        }
        for key in self.memory.ended.keys() {
            self.wishes.insert(key.clone(), Wish::repair(ctx.now));
        }
        self.pursue_due(ctx);
    }

    /// Remembers how far a lease was processed, stored or not.
    pub(super) fn remember_progress(&mut self, key: &LeaseKey) {
        let Some(tenure) = self.tenures.get(key) else { return };
        let mut row = tenure.lease.clone();
        row.checkpoint = tenure.marks.newest().0.clone();
        self.memory.hold(&row);
    }

    /// Wishes a lost lease again if the plan still gives it to this session.
    pub(super) fn wish_again(&mut self, key: &LeaseKey, ctx: &mut Context) {
        let planned =
            self.assignment.as_ref().is_some_and(|a| a.holds.iter().any(|h| h.key == *key));
        if planned && !self.leaving {
            self.wishes.insert(key.clone(), Wish::new(None, ctx.now));
            self.pursue_due(ctx);
        }
    }

    /// Lets every run finish its batch: nobody is there to hand over to.
    pub(in crate::coordinator) fn drain_all(&mut self, ctx: &mut Context) {
        let keys: Vec<LeaseKey> = self.tenures.keys().cloned().collect();
        for key in keys {
            self.start_draining(&key, None, ctx.settings.handoff_timeout, ctx);
        }
    }

    /// Drops every batch; what was processed is still flushed.
    pub(in crate::coordinator) fn drop_all(&mut self, ctx: &mut Context) {
        for (key, tenure) in &mut self.tenures {
            if !matches!(tenure.phase, Phase::Dropping { .. } | Phase::Ending(_)) {
                ctx.run(key, tenure.lease.epoch, RunOrder::Drop(DropReason::Leaving));
                tenure.phase = Phase::Dropping { to: None };
            }
        }
    }
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
        for follows in [false, true] {
            let mut memory = Memory { follows, ..Memory::default() };
            memory.hold(&row(9));
            assert_eq!(memory.furthest(&row(5)), row(5).checkpoint, "an operator is obeyed");
            assert_eq!(memory.lost_row(&row(5).key).is_none(), follows);
            assert_eq!(memory.overrule(), !follows);
            let expected = if follows { row(5) } else { row(9) };
            assert_eq!(memory.furthest(&row(5)), expected.checkpoint);
            memory.end(&row(9).key, Ended::default());
            assert_eq!(memory.end_of(&row(5).key).is_none(), follows);
        }
    }
}
