//! Beating, and what the answers mean.

use super::{Member, phase::Phase, request, retry_pause, signal::Signal};
use crate::{
    coordinator::{context::Context, op},
    env::Time,
    lease::{
        Beat, EndReason, EndSession, Ending, Generation, Session, SessionState, Stamped, Write,
    },
    store::Consistency,
};

/// Unanswered attempts worth remembering: T/h of them and their retries fit many times over.
const ATTEMPTS_KEPT: usize = 64;

impl Member {
    /// Beats now, beside the regular schedule: something is worth telling.
    pub(in crate::coordinator) fn beat_now(&mut self, ctx: &mut Context) {
        if self.is_live() {
            self.send_beat(ctx);
        }
    }

    /// Says from the next beat on, which is now, that the session hands its leases over.
    pub(in crate::coordinator) fn start_leaving(&mut self, ctx: &mut Context) {
        self.leaving = leaving_is_said();
        self.beat_now(ctx);
    }

    /// Ends the session: everything it holds is free from then on.
    pub(in crate::coordinator) fn leave(&mut self, ctx: &mut Context) {
        let end = EndSession::new(self.session.id.clone(), Ending::Leave);
        self.be_over();
        if !writes_its_own_end() {
            return ctx.signal(Signal::Left);
        }
        ctx.ask(op::EndSession(end), request::Leave);
    }

    pub(super) fn beat_when_due(&mut self, ctx: &mut Context) {
        if self.beat_at <= ctx.now {
            // The schedule keeps its phase, which watchers rely on; after a pause it starts anew.
            self.late = ctx.now.since(self.beat_at);
            let next = self.beat_at + self.session.interval;
            self.beat_at = if next > ctx.now { next } else { ctx.now + self.session.interval };
            self.send_beat(ctx);
        } else if self.retry_at <= ctx.now {
            self.send_beat(ctx);
        }
    }

    pub(super) fn send_beat(&mut self, ctx: &mut Context) {
        self.last_number += 1;
        self.attempts.insert(self.last_number, ctx.now);
        if self.attempts.len() > ATTEMPTS_KEPT {
            self.attempts.pop_first();
        }
        // Tried again without giving this attempt up: any answer counts, from its own sending.
        self.retry_at = ctx.now + self.session.interval / 3;
        self.report.watched = self
            .watched_at
            .map_or(0, |at| u32::try_from(ctx.now.since(at).as_millis()).unwrap_or(u32::MAX));
        let beat =
            Beat::new(self.session.id.clone(), self.last_number, self.report).leaving(self.leaving);
        ctx.ask(op::Beat(beat), request::Beat(self.last_number));
    }

    pub(super) fn on_beat(
        &mut self,
        number: u64,
        reply: Stamped<Write<Session>>,
        ctx: &mut Context,
    ) {
        ctx.epochs.stamped(&reply.stamp, ctx.now);
        match reply.value {
            Write::Done(row) => self.on_counted(number, &row, ctx),
            Write::Refused(Some(row)) => match end_shown_by(&row) {
                Some(reason) => return self.on_fence(reason, ctx),
                // A later attempt of mine was counted, its answer lost: no fence, and as good.
                None => {
                    sometimes!(LaterBeatCounted);
                    self.on_counted(row.beat, &row, ctx);
                }
            },
            // The row is gone: lost by the store, or forgotten after its end.
            Write::Refused(None) if self.is_other(&reply.stamp.generation) => {
                return self.on_vanished(ctx);
            }
            Write::Refused(None) => return self.on_fence(EndReason::Fenced, ctx),
        }
        self.on_generation(&reply.stamp.generation, ctx);
    }

    fn on_counted(&mut self, number: u64, row: &Session, ctx: &mut Context) {
        let sent = self.counts_from(number, ctx.now);
        self.attempts = self.attempts.split_off(&(number + 1));
        if self.attempts.is_empty() {
            self.retry_at = Time::NEVER;
        }
        self.check_deadline(ctx);
        if let Some(sent) = sent {
            ctx.heard = ctx.heard.max(sent);
            self.become_valid(sent, ctx);
        }
        if self.lapsed && ctx.now < self.valid_until {
            self.lapsed = false;
            ctx.signal(Signal::Revived);
        }
        self.on_mailbox(Some(row), ctx);
    }

    /// From when a beat counts that was answered now: from its own sending.
    fn counts_from(&self, number: u64, now: Time) -> Option<Time> {
        if planted!(ValidFromReply) { Some(now) } else { self.sent_at(number) }
    }

    /// When the attempt that was answered was sent, and none after it.
    fn sent_at(&self, number: u64) -> Option<Time> {
        if planted!(ValidFromLastAttempt) {
            self.attempts.values().last().copied()
        } else {
            self.attempts.get(&number).copied()
        }
    }

    /// Whether somebody raised the mailbox since it was last read.
    fn is_woken_by(&self, row: &Session) -> bool {
        row.mailbox > self.mailbox && !planted!(WakeNeverRead)
    }

    pub(super) fn on_mailbox(&mut self, row: Option<&Session>, ctx: &mut Context) {
        let Some(row) = row else { return };
        if let SessionState::Ended(reason) = row.state {
            return self.on_fence(reason, ctx);
        }
        if self.is_woken_by(row) {
            self.mailbox = row.mailbox;
            ctx.signal(Signal::Woken);
        }
    }

    pub(super) fn on_generation(&mut self, generation: &Generation, ctx: &mut Context) {
        match &self.generation {
            Some(known) if is_another(generation, known) => {
                self.generation = Some(generation.clone());
                if ends_may_be_lost() {
                    self.recheck_at = Time::ZERO;
                }
                self.pass_again(ctx.now);
                ctx.signal(Signal::WentBack);
            }
            Some(_) => {}
            None => self.generation = Some(generation.clone()),
        }
    }

    /// Whether the store's history has changed since this session heard of it.
    fn is_other(&self, generation: &Generation) -> bool {
        self.generation.as_ref().is_some_and(|known| known != generation)
    }

    /// The store lost the session: nobody ended it, and what it held is known here alone.
    fn on_vanished(&mut self, ctx: &mut Context) {
        if self.phase != Phase::Over {
            self.be_over();
            ctx.signal(Signal::Vanished);
        }
    }

    pub(super) fn on_fence(&mut self, reason: EndReason, ctx: &mut Context) {
        if self.phase != Phase::Over {
            self.be_over();
            ctx.signal(Signal::Fenced(reason));
        }
    }

    /// Nothing is asked for any more.
    pub(super) fn be_over(&mut self) {
        self.phase = Phase::Over;
        self.retry_at = Time::NEVER;
    }

    pub(super) fn check_deadline(&mut self, ctx: &mut Context) {
        if !self.lapsed && ctx.now >= self.valid_until {
            self.lapsed = true;
            sometimes!(Lapsed);
            ctx.signal(Signal::Lapsed);
        }
    }

    pub(super) fn poll_mailbox(&mut self, ctx: &mut Context) {
        if self.poll_at <= ctx.now {
            self.poll_at = ctx.now + ctx.settings.wake_poll;
            let row = op::Session(self.session.id.clone(), Consistency::Eventual);
            ctx.ask(row, request::Mailbox);
        }
    }

    /// The end was written, or refused: it had ended already, or its row is gone; or that is not
    /// known.
    pub(super) fn on_left(&mut self, answered: bool, ctx: &mut Context) {
        if answered {
            ctx.signal(Signal::Left);
        } else {
            self.retry_at = ctx.now + retry_pause(ctx);
        }
    }
}

/// Whether beats say that the session hands its leases over: from the first one on.
fn leaving_is_said() -> bool {
    !planted!(LeavingNotSaid)
}

/// Whether who leaves writes the end of its session, so that nobody waits for its timeout.
fn writes_its_own_end() -> bool {
    !planted!(LeavesWithoutEnd)
}

/// How the session has ended, if the row that refused a beat shows that: a higher beat is proof of
/// life.
fn end_shown_by(row: &Session) -> Option<EndReason> {
    match row.state {
        SessionState::Ended(reason) => Some(reason),
        _ => planted!(HigherBeatTakenForFence).then_some(EndReason::Fenced),
    }
}

/// Whether the store's history is another than the one that was known.
fn is_another(generation: &Generation, known: &Generation) -> bool {
    known != generation && !planted!(GenerationIgnored)
}

/// Whether a store that went back may have lost the ends of older sessions of my id: it may.
fn ends_may_be_lost() -> bool {
    !planted!(RivalsComeBack)
}
