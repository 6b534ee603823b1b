//! Sends acquires, and handles their answers.

use std::time::Duration;

use super::{
    Handoff,
    checkpoints::CheckpointState,
    held::{HeldLease, Phase},
    memory::Ended,
    request,
    sent::Acquiring,
    signal::Signal,
    wanted::Cause,
};
use crate::{
    coordinator::{
        command::{Notice, RunOrder},
        context::Context,
        op::{self, Answered},
        reads::Fit,
    },
    lease::{Acquire, Epoch, Lease, LeaseKey, SessionId, Write},
    store::StoreErrorKind,
};

impl Handoff {
    /// Sends an acquire of a wanted lease, on condition that its row still has this owner and
    /// epoch.
    pub(super) fn acquire(
        &mut self,
        key: &LeaseKey,
        seen_owner: Option<SessionId>,
        seen_epoch: Epoch,
        ctx: &mut Context,
    ) {
        let Some(wanted) = self.wanted.get_mut(key) else { return };
        wanted.try_at = crate::env::Time::NEVER;
        let epoch = ctx.epochs.next(seen_epoch, ctx.now);
        self.acquiring.insert(key.clone(), Acquiring { epoch, cancelled: false, to: None });
        let acquire =
            Acquire { key: key.clone(), seen_owner, seen_epoch, owner: self.me.clone(), epoch };
        ctx.ask(op::Acquire(acquire), request::Acquire(key.clone(), epoch));
    }

    /// The answer to an acquire. One that a later acquire of the same lease has replaced is
    /// ignored.
    pub(super) fn on_acquire(
        &mut self,
        key: &LeaseKey,
        epoch: Epoch,
        answer: Answered<op::Acquire>,
        ctx: &mut Context,
    ) {
        if self.acquiring.get(key).is_none_or(|acquiring| acquiring.epoch != epoch) {
            return;
        }
        let Some(acquiring) = self.acquiring.remove(key) else { return };
        match answer {
            Ok(Write::Done(row)) => self.on_granted(row, &acquiring, ctx),
            Ok(Write::Refused(row)) => self.on_refused(key, row, ctx),
            Err(StoreErrorKind::Unknown) => self.on_unknown(key, &acquiring, ctx),
            Err(_) => self.try_soon(key, ctx),
        }
    }

    /// The acquire may have been applied, or may be applied later. The row is read at once: if it
    /// is this session's, and not running here, it is acquired anew. If the plan has given the
    /// lease to another session meanwhile, which waits for it, a release is sent in case the
    /// acquire was applied; if it is applied after that release, the planner's audit finds it.
    fn on_unknown(&mut self, key: &LeaseKey, acquiring: &Acquiring, ctx: &mut Context) {
        sometimes!(AcquireUnknown);
        if acquiring.cancelled {
            self.release(key, acquiring.epoch, None, acquiring.to.clone(), false, ctx);
        }
        self.try_later(key, pause_of_unknown(ctx.settings.audit_interval), ctx.now);
    }

    /// Another write was first. A child that this session wanted by itself is left to the plan.
    fn on_refused(&mut self, key: &LeaseKey, row: Option<Lease>, ctx: &mut Context) {
        if self.wanted.get(key).is_some_and(|wanted| wanted.cause == Cause::Child) {
            self.wanted.remove(key);
        } else {
            self.judge(key, row, ctx);
        }
    }

    /// The row is this session's now. It starts a run, unless the lease should go on to another
    /// worker or its shard has ended.
    pub(super) fn on_granted(&mut self, row: Lease, acquiring: &Acquiring, ctx: &mut Context) {
        ctx.epochs.saw(&row, ctx.now);
        let key = row.key.clone();
        if self.leaving || !self.is_wanted(&key, acquiring) {
            sometimes!(CancelledGrantReleased);
            return self.release(&key, row.epoch, None, acquiring.to.clone(), false, ctx);
        }
        if ctx.reads.fit(&key) != Fit::Mine {
            // The source was described anew since the acquire was sent.
            self.release(&key, row.epoch, None, None, false, ctx);
            return self.try_later(&key, ctx.settings.heartbeat_interval, ctx.now);
        }
        if !ctx.valid {
            sometimes!(GrantedTooLate);
            // The answer came too late: another session may have ended this one. It starts no run.
            // If the row is still its own after the next beat, it acquires the row anew.
            return self.try_later(&key, ctx.settings.fast_poll, ctx.now);
        }
        if self.wanted.remove(&key).is_some_and(|wanted| !wanted.is_planned()) {
            ctx.signal(Signal::Changed);
        }
        if let Some(ended) = self.ended_before(&row).filter(|_| an_ended_row_is_not_run()) {
            sometimes!(EndedRowCompleted);
            return self.end_at_once(row, ended, ctx);
        }
        let mut start = row.clone();
        start.checkpoint = self.memory.furthest(&row);
        let (epoch, checkpoints) =
            (row.epoch, CheckpointState::new(row.checkpoint.clone(), start.checkpoint.clone()));
        let held = HeldLease { lease: row, phase: Phase::Running, checkpoints, stalled: false };
        self.held.insert(key.clone(), held);
        self.memory.hold(&start);
        ctx.notify(Notice::Gained(key.clone(), epoch));
        ctx.run(&key, epoch, RunOrder::Start(Box::new(start)));
    }

    /// Whether this session still wants a lease that was granted, and the plan has not given it to
    /// another.
    fn is_wanted(&self, key: &LeaseKey, acquiring: &Acquiring) -> bool {
        !acquiring.cancelled && self.wanted.contains_key(key) || planted!(CancelledGrantRuns)
    }

    /// The children of a shard that ended, whether its row says so or only this process knows.
    fn ended_before(&self, row: &Lease) -> Option<Ended> {
        if row.has_ended() {
            Some(Ended { names: row.children.clone(), rows: Vec::new() })
        } else {
            self.memory.end_of(&row.key)
        }
    }
}

/// How long to wait before the row of an acquire with an unknown outcome is read: no time.
fn pause_of_unknown(audit: Duration) -> Duration {
    if planted!(UnknownAcquireForgotten) { audit } else { Duration::ZERO }
}

/// Whether an acquired row of an ended shard gets its end completed, instead of a run.
fn an_ended_row_is_not_run() -> bool {
    !planted!(EndedRowRun)
}
