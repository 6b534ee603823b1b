//! Sends beats, and handles their answers.

use super::{Member, phase::Phase, request, retry_pause, signal::Signal};
use crate::{
    coordinator::{context::Context, op},
    env::Time,
    lease::{
        Beat, EndReason, EndSession, Ending, Generation, Session, SessionState, Stamped, Write,
    },
    store::Consistency,
};

/// How many unanswered beats are remembered. A session timeout of beats and their repetitions is
/// far fewer.
const ATTEMPTS_KEPT: usize = 64;

impl Member {
    /// Sends a beat now, beside the regular ones: it has something new to say.
    pub(in crate::coordinator) fn beat_now(&mut self, ctx: &mut Context) {
        if self.is_live() {
            self.send_beat(ctx);
        }
    }

    /// Says in the beats from now on that the session leaves, and sends the first of them.
    pub(in crate::coordinator) fn start_leaving(&mut self, ctx: &mut Context) {
        self.leaving = leaving_is_said();
        self.beat_now(ctx);
    }

    /// Ends the session: other sessions may acquire its leases from then on.
    pub(in crate::coordinator) fn leave(&mut self, ctx: &mut Context) {
        let end = EndSession::new(self.session.id.clone(), Ending::Leave);
        self.be_over();
        if !writes_its_own_end() {
            return ctx.signal(Signal::Left);
        }
        ctx.ask(op::EndSession(end), request::Leave);
    }

    /// Sends the regular beat when it is due, and a beat again when the last one has no answer for
    /// a third of the interval.
    pub(super) fn beat_when_due(&mut self, ctx: &mut Context) {
        if self.beat_at <= ctx.now {
            // The regular beats keep their phase, which watchers rely on; after a pause they start
            // anew.
            self.late = ctx.now.since(self.beat_at);
            let next = self.beat_at + self.session.interval;
            self.beat_at = if next > ctx.now { next } else { ctx.now + self.session.interval };
            self.send_beat(ctx);
        } else if self.retry_at <= ctx.now {
            self.send_beat(ctx);
        }
    }

    /// Sends a beat, and remembers when: its answer makes the session valid from then on.
    pub(super) fn send_beat(&mut self, ctx: &mut Context) {
        self.last_number += 1;
        self.attempts.insert(self.last_number, ctx.now);
        if self.attempts.len() > ATTEMPTS_KEPT {
            self.attempts.pop_first();
        }
        // The next attempt does not replace this one: the answer of either counts, from when it was
        // sent.
        self.retry_at = ctx.now + self.session.interval / 3;
        self.report.watched = self
            .watched_at
            .map_or(0, |at| u32::try_from(ctx.now.since(at).as_millis()).unwrap_or(u32::MAX));
        let beat =
            Beat::new(self.session.id.clone(), self.last_number, self.report).leaving(self.leaving);
        ctx.ask(op::Beat(beat), request::Beat(self.last_number));
    }

    /// A beat was answered: it was counted; or it was refused, because a later one was counted, the
    /// session has ended, or its row does not exist.
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
                // A later beat of this session was applied and its answer lost: this proves life as
                // well.
                None => {
                    sometimes!(LaterBeatCounted);
                    self.on_counted(row.beat, &row, ctx);
                }
            },
            // The row does not exist: the store lost it, or it was deleted after its end.
            Write::Refused(None) if self.is_other(&reply.stamp.generation) => {
                return self.on_vanished(ctx);
            }
            Write::Refused(None) => return self.on_fence(EndReason::Fenced, ctx),
        }
        self.on_generation(&reply.stamp.generation, ctx);
    }

    /// This beat was counted, and so the session was live when it was sent.
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

    /// When the answered beat was sent: the session is valid from then on, not from the answer.
    fn counts_from(&self, number: u64, now: Time) -> Option<Time> {
        if planted!(ValidFromReply) { Some(now) } else { self.sent_at(number) }
    }

    /// When the beat of this number was sent.
    fn sent_at(&self, number: u64) -> Option<Time> {
        if planted!(ValidFromLastAttempt) {
            self.attempts.values().last().copied()
        } else {
            self.attempts.get(&number).copied()
        }
    }

    /// Whether another session raised the mailbox since it was last read.
    fn is_woken_by(&self, row: &Session) -> bool {
        row.mailbox > self.mailbox && !planted!(WakeNeverRead)
    }

    /// This session's row was read: it shows whether the session was ended, or was woken.
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

    /// An answer of the store named its generation. Another one than before means that the store
    /// went back in time: this session checks its id and passes again.
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

    /// Whether the store's generation is another than this session knows.
    fn is_other(&self, generation: &Generation) -> bool {
        self.generation.as_ref().is_some_and(|known| known != generation)
    }

    /// The store lost the session. No other session ended it, and only this process knows what it
    /// held.
    fn on_vanished(&mut self, ctx: &mut Context) {
        if self.phase != Phase::Over {
            self.be_over();
            ctx.signal(Signal::Vanished);
        }
    }

    /// Another session ended this one.
    pub(super) fn on_fence(&mut self, reason: EndReason, ctx: &mut Context) {
        if self.phase != Phase::Over {
            self.be_over();
            ctx.signal(Signal::Fenced(reason));
        }
    }

    /// Ends the session here: nothing is sent for it any more.
    pub(super) fn be_over(&mut self) {
        self.phase = Phase::Over;
        self.retry_at = Time::NEVER;
    }

    /// Notices that the session's validity is over.
    pub(super) fn check_deadline(&mut self, ctx: &mut Context) {
        if !self.lapsed && ctx.now >= self.valid_until {
            self.lapsed = true;
            sometimes!(Lapsed);
            ctx.signal(Signal::Lapsed);
        }
    }

    /// Reads this session's row every `wake_poll`, where the store pushes no wake-ups.
    pub(super) fn poll_mailbox(&mut self, ctx: &mut Context) {
        if self.poll_at <= ctx.now {
            self.poll_at = ctx.now + ctx.settings.wake_poll;
            let row = op::Session(self.session.id.clone(), Consistency::Eventual);
            ctx.ask(row, request::Mailbox);
        }
    }

    /// The end of the session was answered, or failed. A refusal counts as an answer: the session
    /// had ended before, or its row does not exist.
    pub(super) fn on_left(&mut self, answered: bool, ctx: &mut Context) {
        if answered {
            ctx.signal(Signal::Left);
        } else {
            self.retry_at = ctx.now + retry_pause(ctx);
        }
    }
}

/// Whether the beats say that the session leaves.
fn leaving_is_said() -> bool {
    !planted!(LeavingNotSaid)
}

/// Whether a session that leaves ends itself, so that no other session waits for its timeout.
fn writes_its_own_end() -> bool {
    !planted!(LeavesWithoutEnd)
}

/// How the session has ended, if the row that refused a beat shows an end. A refusal because of a
/// higher beat shows none: it proves life.
fn end_shown_by(row: &Session) -> Option<EndReason> {
    match row.state {
        SessionState::Ended(reason) => Some(reason),
        _ => planted!(HigherBeatTakenForFence).then_some(EndReason::Fenced),
    }
}

/// Whether the store's generation changed.
fn is_another(generation: &Generation, known: &Generation) -> bool {
    known != generation && !planted!(GenerationIgnored)
}

/// Whether a store that went back may have lost the ends of older sessions of this id.
fn ends_may_be_lost() -> bool {
    !planted!(RivalsComeBack)
}
