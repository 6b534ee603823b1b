//! What happens to leases after a lapse of the session, after a fence, and when the store went back
//! in time.

use super::{
    Handoff,
    held::{HeldLease, Phase},
    request,
    wanted::WantedLease,
};
use crate::{
    coordinator::{
        command::{DropReason, LossReason, RunOrder},
        context::Context,
        op::{self, Answered},
    },
    lease::{Epoch, Lease, LeaseKey, SessionId},
};

impl Handoff {
    /// Says that the effects of processors go back in time with the rows.
    pub(in crate::coordinator) const fn follow_the_store(&mut self) {
        self.memory.effects_follow = true;
    }

    /// The session's validity is over: runs dispatch nothing. A batch that was being drained is
    /// dropped.
    pub(in crate::coordinator) fn on_lapse(&mut self, ctx: &mut Context) {
        self.lapses += 1;
        for (key, held) in self.held.iter_mut() {
            let epoch = held.lease.epoch;
            match &mut held.phase {
                Phase::Running => {
                    held.phase = Phase::Suspended { reading: false };
                    ctx.run(key, epoch, RunOrder::Suspend);
                }
                Phase::Suspended { reading } => *reading = false,
                Phase::Draining { to, .. } => {
                    let to = to.take();
                    held.phase = Phase::Dropping { to };
                    ctx.run(key, epoch, RunOrder::Drop(DropReason::TimedOut));
                }
                Phase::Dropping { .. } | Phase::Ending(_) => {}
            }
        }
    }

    /// Reads the rows of suspended leases: a lease whose row is unchanged goes on in place.
    pub(in crate::coordinator) fn revalidate(&mut self, ctx: &mut Context) {
        if !ctx.valid {
            return;
        }
        let suspended = self.held.iter().filter(|(_, held)| held.is_suspended());
        for key in suspended.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            let Some(held) = self.held.get_mut(&key) else { continue };
            if !is_read_before_it_goes_on() {
                resume(&key, held, ctx);
            }
            if let Phase::Suspended { reading: reading @ false } = &mut held.phase {
                *reading = true;
                ctx.ask(op::Lease(key.clone()), request::Revalidate(key, self.lapses));
            }
        }
    }

    /// The row of a suspended lease was read. An answer from before the last lapse proves nothing
    /// and is ignored.
    pub(super) fn on_revalidated(
        &mut self,
        key: &LeaseKey,
        lapse: u64,
        answer: Answered<op::Lease>,
        ctx: &mut Context,
    ) {
        if lapse != self.lapses {
            return;
        }
        let Some(held) = self.held.get_mut(key) else { return };
        let epoch = held.epoch();
        let Phase::Suspended { reading } = &mut held.phase else { return };
        *reading = false;
        match answer {
            Ok(Some(row)) if goes_on_in_place(&row, &self.me, epoch) && ctx.valid => {
                sometimes!(ResumedInPlace);
                resume(key, held, ctx);
            }
            Ok(Some(row)) if !goes_on_in_place(&row, &self.me, epoch) => {
                sometimes!(LostMeanwhile);
                self.on_not_mine(key, LossReason::Taken, ctx);
            }
            Ok(None) => self.on_not_mine(key, LossReason::Gone, ctx),
            // The read failed, or the session lapsed again: the row is read after the next beat.
            _ => {}
        }
    }

    /// Ends the hold on every lease: the session has ended.
    pub(in crate::coordinator) fn lose_all(&mut self, reason: LossReason, ctx: &mut Context) {
        let keys: Vec<LeaseKey> = self.held.keys().cloned().collect();
        for key in keys {
            self.lose(&key, reason, ctx);
        }
        self.wanted.clear();
        self.acquiring.clear();
        self.releases.clear();
        self.merging.clear();
    }

    /// The store went back in time, and may have lost this session's acquires. The session acquires
    /// every held lease anew and writes its checkpoint forward; the same goes for every shard that
    /// ended here. Where effects went back with the rows, both go on from the rows.
    pub(in crate::coordinator) fn on_store_went_back(&mut self, ctx: &mut Context) {
        let overrules_rows = self.memory.overrule();
        ctx.ended.clear();
        let keys: Vec<LeaseKey> = self.held.keys().cloned().collect();
        for key in keys {
            self.remember_progress(&key);
            self.lose(&key, LossReason::Taken, ctx);
            self.wanted.insert(key, WantedLease::new(None, ctx.now));
        }
        let ended: Vec<LeaseKey> = self.memory.ended.keys().cloned().collect();
        for key in ended.into_iter().filter(|_| overrules_rows) {
            self.wanted.insert(key, WantedLease::repair(ctx.now));
        }
        self.pursue_due(ctx);
    }

    /// The store lost this session and its leases. The session puts each row again, where the store
    /// has none, at the checkpoint that is known here.
    pub(in crate::coordinator) fn give_back(&mut self, ctx: &mut Context) {
        // The store may lose the next session, too, before that one has taken up these leases.
        let under = self.memory.outlives;
        let again = under.is_some();
        self.memory.outlives = under.or_else(|| Some(ctx.starts.change()));
        ctx.ended.clear();
        let (held, wanted) = (&self.held, &self.wanted);
        let counts = |key: &LeaseKey| held.contains_key(key) || wanted.contains_key(key);
        self.memory.held.retain(|key, _| again || counts(key));
        self.memory.overrule();
        let keys: Vec<LeaseKey> = self.memory.held.keys().cloned().collect();
        for key in keys {
            self.remember_progress(&key);
            if let Some(row) = self.memory.lost_row(&key) {
                ctx.tell(op::Create(row));
            }
        }
    }

    /// If the store lost the former session: wants the leases that it held, and the shards that it
    /// ended.
    pub(in crate::coordinator) fn take_up(&mut self, ctx: &mut Context) {
        if !self.memory.is_taken_up(ctx.starts.change()) {
            return;
        }
        for key in self.memory.held.keys() {
            self.wanted.insert(key.clone(), WantedLease::new(None, ctx.now));
        }
        for key in self.memory.ended.keys() {
            self.wanted.insert(key.clone(), WantedLease::repair(ctx.now));
        }
        self.pursue_due(ctx);
    }

    /// The application was closed meanwhile: its rows say where to read, so the memory is emptied.
    pub(in crate::coordinator) fn on_reopened(&mut self) {
        self.memory.forget();
    }

    /// Remembers how far a lease was processed, whether that is stored or not.
    pub(super) fn remember_progress(&mut self, key: &LeaseKey) {
        let Some(held) = self.held.get(key) else { return };
        let mut row = held.lease.clone();
        row.checkpoint = held.checkpoints.newest().0.clone();
        self.memory.hold(&row);
    }

    /// Wants a lost lease again, if the plan still names it for this session.
    pub(super) fn want_again(&mut self, key: &LeaseKey, ctx: &mut Context) {
        let planned =
            self.assignment.as_ref().is_some_and(|a| a.holds.iter().any(|h| h.key == *key));
        if planned && !self.leaving {
            self.wanted.insert(key.clone(), WantedLease::new(None, ctx.now));
            self.pursue_due(ctx);
        }
    }

    /// Orders every run to finish its batch: no other worker stays to take the leases.
    pub(in crate::coordinator) fn drain_all(&mut self, ctx: &mut Context) {
        let keys: Vec<LeaseKey> = self.held.keys().cloned().collect();
        for key in keys {
            self.start_draining(&key, None, ctx.settings.handoff_timeout, ctx);
        }
    }

    /// Orders every run to drop its batch. The releases carry what was processed.
    pub(in crate::coordinator) fn drop_all(&mut self, ctx: &mut Context) {
        for (key, held) in self.held.iter_mut() {
            if !matches!(held.phase, Phase::Dropping { .. } | Phase::Ending(_)) {
                ctx.run(key, held.lease.epoch, RunOrder::Drop(DropReason::Leaving));
                held.phase = Phase::Dropping { to: None };
            }
        }
    }
}

/// Lets a suspended run dispatch again.
fn resume(key: &LeaseKey, held: &mut HeldLease, ctx: &mut Context) {
    held.phase = Phase::Running;
    ctx.run(key, held.epoch(), RunOrder::Resume);
}

/// Whether a suspended run goes on only after its row was read.
fn is_read_before_it_goes_on() -> bool {
    !planted!(ResumedUnread)
}

/// Whether a row that was read after a lapse still names this session and epoch.
fn goes_on_in_place(row: &Lease, me: &SessionId, epoch: Epoch) -> bool {
    row.is_held_by(me, epoch) && !planted!(LapsedStartsAnew)
}
