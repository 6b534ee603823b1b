//! Pursues wanted leases: decides when to read the row of a lease, and acts on the row.

use std::time::Duration;

use super::{Handoff, due::Due, request, sent::Acquiring, signal::Signal, wanted::Cause};
use crate::{
    coordinator::{
        command::Notice,
        context::Context,
        document::Transfer,
        op::{self, Answered},
        reads::Fit,
    },
    env::Time,
    lease::{Epoch, Lease, LeaseKey, SessionId},
    store::Consistency,
};

/// The most row reads under way at a time, however many leases are wanted.
const READS_MAX: usize = 32;

impl Handoff {
    /// Pursues every wanted lease that is due.
    pub(super) fn pursue_due(&mut self, ctx: &mut Context) {
        self.tell_deadlines(ctx);
        for due in ctx.deadlines.of_leases(ctx.now) {
            if let Due::WantedLease(key) = due {
                self.pursue(&key, ctx);
            }
        }
    }

    /// Takes the next step towards a wanted lease. Where the planner's document says how to take
    /// it, this session acquires it once without a read; else it reads the row.
    pub(super) fn pursue(&mut self, key: &LeaseKey, ctx: &mut Context) {
        if self.leaving || self.acquiring.contains_key(key) || self.held.contains_key(key) {
            return self.try_later(key, ctx.settings.heartbeat_interval, ctx.now);
        }
        if ctx.reads.fit(key) != Fit::Mine {
            return self.pass_over(key, ctx);
        }
        let Some(wanted) = self.wanted.get_mut(key) else { return };
        let word =
            wanted.from.clone().filter(|from| from.how != Transfer::AwaitRelease && !wanted.tried);
        wanted.tried = true;
        if let Some(origin) = word {
            if let (Transfer::Unowned, Some(owner)) = (origin.how, &origin.owner) {
                ctx.note_ended(owner);
            }
            return self.acquire(key, origin.owner, origin.epoch, ctx);
        }
        if self.reads >= READS_MAX {
            return self.try_later(key, ctx.settings.fast_poll, ctx.now);
        }
        self.reads += 1;
        self.try_never(key);
        ctx.ask(op::Lease(key.clone()), request::WantedRow(key.clone()));
    }

    /// The lease does not belong to this worker's stream as it was last described. If it belongs to
    /// a later life, the stream is to be described again.
    fn pass_over(&mut self, key: &LeaseKey, ctx: &mut Context) {
        sometimes!(ForeignLeasePassedOver);
        if ctx.reads.fit(key) == Fit::LaterLife {
            ctx.reads.want_of(key);
        }
        let Some(wanted) = self.wanted.get_mut(key) else { return };
        if !std::mem::replace(&mut wanted.passed_over, true) {
            ctx.notify(Notice::NotOfMyStream(key.clone()));
        }
        if wanted.is_planned() {
            self.try_later(key, ctx.settings.heartbeat_interval, ctx.now);
        } else {
            self.wanted.remove(key);
        }
    }

    /// The row of a wanted lease was read. At most `READS_MAX` such reads are under way.
    pub(super) fn on_wanted_row(
        &mut self,
        key: &LeaseKey,
        answer: Answered<op::Lease>,
        ctx: &mut Context,
    ) {
        self.reads = self.reads.saturating_sub(1);
        match answer {
            Ok(row) => self.judge(key, row, ctx),
            Err(_) => self.try_soon(key, ctx),
        }
    }

    /// Decides from its row what to do about a wanted lease: acquire it, wait, or give it up.
    pub(super) fn judge(&mut self, key: &LeaseKey, row: Option<Lease>, ctx: &mut Context) {
        if !self.wanted.contains_key(key) {
            return;
        }
        let Some(row) = row else { return self.on_row_missing(key, ctx) };
        ctx.epochs.saw(&row, ctx.now);
        if row.has_ended() && row.owner.is_none() {
            self.wanted.remove(key);
            ctx.signal(Signal::Changed);
            return;
        }
        let kept = self.wanted.get(key).is_some_and(|wanted| wanted.cause == Cause::Kept);
        let former = row.owner.as_ref().is_some_and(|owner| owner.worker == self.me.worker);
        let free = row.is_free_for(&self.me, |owner| ctx.ended.contains(owner));
        let may = is_takeable(free && (former || !kept));
        if !a_sent_release_is_final() && self.releases.contains_key(&(key.clone(), row.epoch)) {
            let (epoch, cancelled, to) = (row.epoch, false, None);
            return self.on_granted(row, &Acquiring { epoch, cancelled, to }, ctx);
        }
        sometimes!(OwnRowTakenAnew, row.owner.as_ref() == Some(&self.me));
        sometimes!(TakenFromEnded, row.owner.as_ref().is_some_and(|o| ctx.ended.contains(o)));
        if may || self.is_forced(key, &row) {
            return self.acquire(key, row.owner, row.epoch, ctx);
        }
        match row.owner {
            Some(owner) if !kept => self.wait_for_owner(key, &owner, row.epoch, ctx),
            _ => {
                self.wanted.remove(key);
            }
        }
    }

    /// Whether the plan orders to take this row from its owner by force.
    fn is_forced(&self, key: &LeaseKey, row: &Lease) -> bool {
        let from = self.wanted.get(key).and_then(|wanted| wanted.from.as_ref());
        from.is_some_and(|from| from.forces(row))
    }

    /// Another live session holds the lease. The session waits, and reads the owner's session now
    /// and then: it may have ended. An owner that the plan does not name is reported as a conflict.
    fn wait_for_owner(
        &mut self,
        key: &LeaseKey,
        owner: &SessionId,
        epoch: Epoch,
        ctx: &mut Context,
    ) {
        let Some(wanted) = self.wanted.get_mut(key) else { return };
        if !wanted.is_planned() {
            self.wanted.remove(key);
            return;
        }
        let expected = wanted.from.as_ref().is_some_and(|f| f.owner.as_ref() == Some(owner));
        wanted.try_at = tried_again_at(ctx.now + wanted.pace(ctx));
        wanted.asked = Some(owner.clone());
        if !expected && wanted.conflict.as_ref() != Some(&(owner.clone(), epoch)) {
            wanted.conflict = Some((owner.clone(), epoch));
            sometimes!(ConflictMet);
            ctx.notify(Notice::Conflict(key.clone(), owner.clone()));
            if conflicts_are_told() {
                ctx.signal(Signal::Conflict);
            }
        }
        let every =
            if expected { ctx.settings.session_timeout } else { ctx.settings.heartbeat_interval };
        if self.owners.is_due(owner, ctx.now, every) {
            let row = op::Session(owner.clone(), Consistency::Strong);
            ctx.ask(row, request::Owner(owner.clone()));
        }
    }

    /// The owner's session was read. If it has ended, its leases can be acquired.
    pub(super) fn on_owner(
        &mut self,
        id: &SessionId,
        answer: Answered<op::Session>,
        ctx: &mut Context,
    ) {
        let Ok(row) = answer else { return };
        if row.is_some_and(|row| !row.has_ended()) {
            return;
        }
        ctx.note_ended(id);
        for (_, wanted) in self.wanted.iter_mut() {
            if wanted.asked.as_ref() == Some(id) && wanted.try_at != Time::NEVER {
                wanted.try_at = ctx.now;
            }
        }
        self.pursue_due(ctx);
    }

    /// The lease has no row. A session that held it puts the row again at the known checkpoint; any
    /// other leaves that to the planner.
    fn on_row_missing(&mut self, key: &LeaseKey, ctx: &mut Context) {
        if self.wanted.get(key).is_some_and(|wanted| !wanted.is_planned()) {
            self.wanted.remove(key);
            return;
        }
        match self.memory.lost_row(key) {
            Some(row) => {
                self.try_never(key);
                ctx.ask(op::Create(row), request::Recreate(key.clone()));
            }
            None => self.try_later(key, ctx.settings.heartbeat_interval, ctx.now),
        }
    }

    /// Pursues the wanted lease again after `fast_poll`.
    pub(super) fn try_soon(&mut self, key: &LeaseKey, ctx: &Context) {
        self.try_later(key, ctx.settings.fast_poll, ctx.now);
    }

    /// Pursues the wanted lease again after `pause`.
    pub(super) fn try_later(&mut self, key: &LeaseKey, pause: Duration, now: Time) {
        if let Some(wanted) = self.wanted.get_mut(key) {
            wanted.try_at = now + pause;
        }
    }

    /// Sets no time for the wanted lease: a call is under way that will.
    fn try_never(&mut self, key: &LeaseKey) {
        if let Some(wanted) = self.wanted.get_mut(key) {
            wanted.try_at = Time::NEVER;
        }
    }

    /// Pursues every wanted lease at once: a wake-up may mean that one was released for this
    /// session.
    pub(in crate::coordinator) fn hurry(&mut self, ctx: &mut Context) {
        for (_, wanted) in self.wanted.iter_mut() {
            if wanted.try_at != Time::NEVER {
                wanted.try_at = ctx.now;
            }
        }
        self.pursue_due(ctx);
    }
}

/// Whether a lease may be taken: only if no live session holds it.
fn is_takeable(from_nobody: bool) -> bool {
    from_nobody || planted!(TakenFromTheLiving)
}

/// Whether a lease is lost to this session once its release was sent.
fn a_sent_release_is_final() -> bool {
    !planted!(ReleaseTakenBack)
}

/// When a wanted lease that has to wait is pursued again.
fn tried_again_at(at: Time) -> Time {
    if planted!(NeverTriedAgain) { Time::NEVER } else { at }
}

/// Whether the planner learns of a live session that holds a lease planned for this one.
fn conflicts_are_told() -> bool {
    !planted!(ConflictNotTold)
}
