//! Taking a lease, and what the answers mean.

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

    /// It may have landed, or land yet. If it has by the next look, the row is mine and not running
    /// here, and is acquired anew. If the plan gives the lease to another by now, who waits for it,
    /// it is given back in case it has landed; one that lands after that the planner's audit sees.
    fn on_unknown(&mut self, key: &LeaseKey, acquiring: &Acquiring, ctx: &mut Context) {
        sometimes!(AcquireUnknown);
        if acquiring.cancelled {
            self.release(key, acquiring.epoch, None, acquiring.to.clone(), false, ctx);
        }
        self.try_later(key, pause_of_unknown(ctx.settings.audit_interval), ctx.now);
    }

    fn on_refused(&mut self, key: &LeaseKey, row: Option<Lease>, ctx: &mut Context) {
        if self.wanted.get(key).is_some_and(|wanted| wanted.cause == Cause::Child) {
            self.wanted.remove(key);
        } else {
            self.judge(key, row, ctx);
        }
    }

    pub(super) fn on_granted(&mut self, row: Lease, acquiring: &Acquiring, ctx: &mut Context) {
        ctx.epochs.saw(&row, ctx.now);
        let key = row.key.clone();
        if self.leaving || !self.is_wanted(&key, acquiring) {
            sometimes!(CancelledGrantReleased);
            return self.release(&key, row.epoch, None, acquiring.to.clone(), false, ctx);
        }
        if ctx.reads.fit(&key) != Fit::Mine {
            // The source was described anew meanwhile.
            self.release(&key, row.epoch, None, None, false, ctx);
            return self.try_later(&key, ctx.settings.heartbeat_interval, ctx.now);
        }
        if !ctx.valid {
            sometimes!(GrantedTooLate);
            // Too late: the others may have ended this session. It starts nothing; the row, if it
            // is still mine, is acquired anew once a beat is answered.
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

    /// Whether a lease that is granted is still wanted, and nobody else is to have it.
    fn is_wanted(&self, key: &LeaseKey, acquiring: &Acquiring) -> bool {
        !acquiring.cancelled && self.wanted.contains_key(key) || planted!(CancelledGrantRuns)
    }

    /// The children of a shard that ended although its acquired row may not say so.
    fn ended_before(&self, row: &Lease) -> Option<Ended> {
        if row.has_ended() {
            Some(Ended { names: row.children.clone(), rows: Vec::new() })
        } else {
            self.memory.end_of(&row.key)
        }
    }
}

/// How long until it is found out what became of an acquire: no time at all.
fn pause_of_unknown(audit: Duration) -> Duration {
    if planted!(UnknownAcquireForgotten) { audit } else { Duration::ZERO }
}

/// Whether an acquired row whose shard has ended is not run, but its end completed.
fn an_ended_row_is_not_run() -> bool {
    !planted!(EndedRowRun)
}
