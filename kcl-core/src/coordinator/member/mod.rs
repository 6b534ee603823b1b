//! The session of this worker: it registers, beats, knows whether it is valid, and ends.
//!
//! PROTOCOL rules 1, 2, 15, 16 and 17. A session joins in these steps, each of which needs the one
//! before:
//!
//! ```text
//!   waiting ─► describing ─► listing ─► registering ─► passing ─► checking ─► live ─► over
//!              what does     which      put my row     do I read  is the id
//!              my source     sessions                  the same   mine alone?
//!              read?         live?                     stream as
//!                                                      the rest?
//! ```
//!
//! The invariant: a session acquires and plans nothing before it is live, and its runs dispatch
//! only before `valid_until`: the time at which the newest answered beat was sent, plus T − g.
//! Before it is live it ends other sessions only as the table says.
//!
//! A session that is over never comes back; `hear.rs` makes a new [`Member`] if the worker goes on.
//! In the table “I” is this session.
//!
//! | phase | when | then | request to the store or the source |
//! |---|---|---|---|
//! | waiting | its time has come | describing, or listing if the stream is known | describe the stream, or list the sessions |
//! | describing | the stream is described | listing | list the sessions |
//! | listing | they are listed | registering | put my row |
//! | listing | I was fenced before, and another session of my id lives | over: duplicate | – |
//! | listing, registering | that failed | the same | the same, a little later |
//! | registering | my row is put | passing | read `changing` (is the application open?) and `streams` (which stream does it read?) |
//! | registering | no answer for a session timeout | over: unheard | – |
//! | passing | the application is closed | shut | end my session; read `changing`, again and again |
//! | shut | another command closed it | shut | – (that is reported) |
//! | shut | it is open, and my session has ended | over: reopened | – |
//! | passing | `streams` names my stream | passing | put the same content again, and list the sessions |
//! | passing | it names a later life of my stream | passing | describe the stream |
//! | passing | it cannot be decoded, or a read failed | passing | read `streams`, later |
//! | passing | it names another stream, or does not exist | passing | list the sessions that may read that stream, again and again |
//! | passing | one of these is silent for a timeout | passing | end it |
//! | passing | all of them have ended | passing | put my stream over it, and list the sessions |
//! | passing | one of them beats | passing | read `streams` once more |
//! | passing | it still names another stream | over: other stream | end my session |
//! | passing | the put was applied | checking | – |
//! | checking | older sessions of my id live | checking | end them; or read their rows, if they must not be replaced |
//! | checking | one that must not be replaced is silent for a timeout | checking | end it, if it is still silent |
//! | checking | a newer one lives, or an older one that must not be replaced | over: duplicate | end my session |
//! | checking | no other session of my id lives | live: joined | – |
//! | passing, checking, live | a beat is due, or has no answer for a third of an interval | the same | beat |
//! | passing, checking, live | no beat was answered in time | the same: lapsed | – |
//! | passing, checking, live | a beat is answered | the same: revived, if it had lapsed | – |
//! | passing, checking, live | the store's generation changed | the same: went back | pass again; and, once live, list the sessions |
//! | live | an older session of my id lives after all | live | end it, and list the sessions again |
//! | live | a newer one lives | over: duplicate | end my session |
//! | live | it is time to read the mailbox, where the store pushes nothing | live | read my row |
//! | live | the mailbox was raised | live: woken | – |
//! | live | the worker starts to leave | live | beat, and say so |
//! | any | my session was ended | over: fenced | – |
//! | any | its row is gone, and the generation is another | over: vanished | – |
//! | any | the last step of leaving | over | end my session, until that is answered: left |

mod beat;
mod closed;
mod join;
mod older;
mod pass;
mod passing;
mod phase;
mod readers;
pub(super) mod request;
pub(super) mod signal;

/// The incarnation of a new session, which no session had before.
fn new_incarnation(drawn: u128) -> Incarnation {
    Incarnation::from_bits(if planted!(SameIncarnationAgain) { 1 } else { drawn })
}

/// Until when a session is valid whose newest answered beat was sent at `sent`.
fn valid_until(sent: Time, timeout: Duration, guard: Duration) -> Time {
    sent + (if planted!(DeadlineNotKept) { timeout * 2 } else { timeout }) - guard
}

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

use self::{older::Listed, pass::Pass, phase::Phase, request::Reply, signal::Signal};
use super::{command::Command, context::Context};
use crate::{
    env::Time,
    lease::{Generation, Incarnation, PlanVersion, Report, Session, SessionId, WorkerId},
};

/// The session of this worker: see the module.
#[derive(Debug)]
pub(in crate::coordinator) struct Member {
    /// The row of this session.
    session: Session,
    phase: Phase,
    /// The state of the session's pass.
    pass: Pass,
    /// The sessions, as they were listed together with the last pass.
    listed: Listed,
    /// The earlier sessions of this process. A store that went back may show them as live.
    former: Vec<SessionId>,
    /// Whether one of them was fenced. If so, every other live session of this id is newer.
    fenced_before: bool,
    /// The beats without an answer: the number, and when it was sent.
    attempts: BTreeMap<u64, Time>,
    /// The number of the last beat that was sent.
    last_number: u64,
    /// When the next regular beat is due.
    beat_at: Time,
    /// When the last failed or unanswered call is made again.
    retry_at: Time,
    /// Runs may dispatch before this time.
    valid_until: Time,
    /// Whether `valid_until` passed without an answered beat.
    lapsed: bool,
    /// Whether the beats say that the session leaves.
    leaving: bool,
    /// The content of the next beat: the newest plan seen, conflicts, and so on.
    report: Report,
    /// The highest mailbox count that this session has heard of.
    mailbox: u64,
    /// When the mailbox is read next, where the store pushes no wake-ups.
    poll_at: Time,
    /// The store's generation; `None` before the first answer.
    generation: Option<Generation>,
    /// When the sessions of this id are listed again, after the store went back.
    recheck_at: Time,
    /// When this session last read all sessions, as a head.
    watched_at: Option<Time>,
    /// How late the last regular beat was sent.
    late: Duration,
}

impl Member {
    /// A session that starts to join at `at`. `former` are the earlier sessions of this process;
    /// `fenced_before` says whether one of them was fenced.
    pub(in crate::coordinator) fn new(
        worker: WorkerId,
        at: Time,
        former: Vec<SessionId>,
        fenced_before: bool,
        ctx: &mut Context,
    ) -> Self {
        let incarnation = new_incarnation(ctx.rng.next_u128());
        let mut session = Session::new(
            SessionId::new(worker, incarnation),
            1,
            ctx.settings.session_timeout,
            ctx.settings.heartbeat_interval,
        );
        session.capacity = ctx.settings.max_leases.unwrap_or(0);
        session.zone.clone_from(&ctx.settings.zone);
        Self {
            session,
            phase: Phase::Waiting(at),
            pass: Pass::default(),
            listed: Listed::Not,
            former,
            fenced_before,
            attempts: BTreeMap::new(),
            last_number: 0,
            beat_at: Time::NEVER,
            retry_at: Time::NEVER,
            valid_until: Time::ZERO,
            lapsed: false,
            leaving: false,
            report: Report::NOTHING,
            mailbox: 0,
            poll_at: Time::NEVER,
            generation: None,
            recheck_at: Time::NEVER,
            watched_at: None,
            late: Duration::ZERO,
        }
    }

    pub(in crate::coordinator) const fn id(&self) -> &SessionId {
        &self.session.id
    }

    /// The earlier sessions of this process, and this one.
    pub(in crate::coordinator) fn lives(&self) -> Vec<SessionId> {
        self.former.iter().chain([self.id()]).cloned().collect()
    }

    /// The row of this session, as its last beat wrote it.
    pub(in crate::coordinator) fn row(&self) -> Session {
        let mut row = self.session.clone();
        row.report = self.report;
        row.beat = self.last_number;
        if self.leaving {
            row.state = crate::lease::SessionState::Leaving;
        }
        row
    }

    /// The fields of the row that change with each beat: its number, its report, whether the
    /// session leaves.
    pub(in crate::coordinator) const fn news(&self) -> (u64, Report, bool) {
        (self.last_number, self.report, self.leaving)
    }

    /// Whether the session is registered, has passed, is the only one of its id, and is not over.
    pub(in crate::coordinator) fn is_live(&self) -> bool {
        self.phase == Phase::Live
    }

    /// Whether the session waits for the description of the stream.
    pub(in crate::coordinator) fn is_describing(&self) -> bool {
        self.phase == Phase::Describing
    }

    /// Whether runs may dispatch now.
    pub(in crate::coordinator) fn is_valid(&self, now: Time) -> bool {
        self.is_live() && !self.lapsed && now < self.valid_until
    }

    /// The newest assignment document that this session has seen.
    pub(in crate::coordinator) const fn seen(&self) -> PlanVersion {
        self.report.seen
    }

    /// Notes that a document was seen: runs dispatch nothing new of what it revokes. The next beat
    /// says so.
    pub(in crate::coordinator) const fn has_seen(&mut self, version: PlanVersion) {
        self.report.seen = version;
    }

    /// Notes that this session's leases changed without a plan. The next beat says so.
    pub(in crate::coordinator) const fn has_changed_leases(&mut self) {
        self.report.changes += 1;
    }

    /// Notes that a live session holds a lease that the plan names for this one. The next beat says
    /// so.
    pub(in crate::coordinator) const fn has_met_conflict(&mut self) {
        self.report.conflicts += 1;
    }

    /// How late the last regular beat was sent.
    pub(in crate::coordinator) const fn late(&self) -> Duration {
        self.late
    }

    /// Notes that this session read all sessions. The next beat says how long ago.
    pub(in crate::coordinator) const fn has_watched(&mut self, now: Time) {
        self.watched_at = Some(now);
    }

    /// The store began or ceased to push wake-ups: the mailbox is polled only while it does not.
    pub(in crate::coordinator) fn on_pushes(&mut self, ctx: &Context) {
        self.poll_at = if ctx.pushes { Time::NEVER } else { ctx.now };
    }

    /// A wake-up was pushed. It counts as one raise of the mailbox.
    pub(in crate::coordinator) fn on_push(&mut self, ctx: &mut Context) {
        self.mailbox += 1;
        ctx.signal(Signal::Woken);
    }

    /// When the session has something to do next: it depends on its phase.
    pub(in crate::coordinator) fn next_wake(&self) -> Time {
        let deadline = if self.lapsed { Time::NEVER } else { self.valid_until };
        let beat = self.beat_at.min(self.retry_at).min(deadline).min(self.pass.next_wake());
        match &self.phase {
            Phase::Waiting(at) => *at,
            Phase::Describing => Time::NEVER,
            Phase::Listing | Phase::Registering(_) => self.retry_at,
            Phase::Passing => beat,
            Phase::Shut(shut) => shut.look_at,
            Phase::Checking(older) => beat.min(older.next_look()),
            Phase::Live => beat.min(self.poll_at).min(self.recheck_at),
            // The end of the session is written again if that failed.
            Phase::Over => self.retry_at,
        }
    }

    /// Does the work that is due in the present phase.
    pub(in crate::coordinator) fn on_tick(&mut self, ctx: &mut Context) {
        match &self.phase {
            Phase::Waiting(at) if *at <= ctx.now => self.start_joining(ctx),
            Phase::Listing | Phase::Registering(_) if self.retry_at <= ctx.now => self.rejoin(ctx),
            Phase::Passing => {
                self.check_deadline(ctx);
                self.beat_when_due(ctx);
                self.go_on_passing(ctx);
            }
            Phase::Shut(shut) if shut.look_at <= ctx.now => self.look_whether_open(ctx),
            Phase::Checking(_) => {
                self.check_deadline(ctx);
                self.beat_when_due(ctx);
                self.go_on_passing(ctx);
                self.look_at_older(ctx);
            }
            Phase::Live => {
                self.check_deadline(ctx);
                self.beat_when_due(ctx);
                self.go_on_passing(ctx);
                self.poll_mailbox(ctx);
                self.list_again(ctx);
            }
            Phase::Over if self.retry_at <= ctx.now => self.leave(ctx),
            _ => {}
        }
    }

    /// Hands an answer of the store to the function that its request belongs to. A session that is
    /// over waits only for the answer to its own end.
    pub(in crate::coordinator) fn on_answer(&mut self, answer: Reply, ctx: &mut Context) {
        if self.phase == Phase::Over && !matches!(answer, Reply::Leave(_)) {
            return;
        }
        match answer {
            Reply::ListBefore(Ok(rows)) => self.register(&rows, ctx),
            Reply::Register(sent, Ok(reply)) => self.on_registered(sent, reply, ctx),
            Reply::ListBefore(Err(_)) | Reply::Register(_, Err(_)) => {
                self.retry_at = ctx.now + retry_pause(ctx);
            }
            Reply::Changing(answer) => self.on_changing(answer, ctx),
            Reply::Streams(round, answer) => self.on_streams_read(round, answer, ctx),
            Reply::PutStreams(round, answer) => self.on_streams_put(round, answer, ctx),
            Reply::OtherReaders(round, Ok(rows)) => self.on_other_readers(round, &rows, ctx),
            Reply::EndReader(round, id, Ok(write)) => {
                self.on_reader_ended(round, &id, write.into_row().as_ref(), ctx);
            }
            Reply::EndShut(answer) => self.on_shut_ended(answer.is_ok()),
            Reply::ListAfter(Ok(rows)) => self.on_listed_after(rows, ctx),
            Reply::ListAfter(Err(_)) => self.list_after_later(ctx),
            Reply::EndOlder(id, answer) => self.on_older_ended(&id, answer, ctx),
            Reply::LookAtOlder(id, Ok(row)) => self.on_older(&id, row.as_ref(), ctx),
            Reply::ListAgain(Ok(rows)) => self.check_again(&rows, ctx),
            Reply::Beat(number, Ok(reply)) => self.on_beat(number, reply, ctx),
            Reply::Mailbox(Ok(row)) => self.on_mailbox(row.as_ref(), ctx),
            Reply::Leave(answer) => self.on_left(answer.is_ok(), ctx),
            // Each of these is asked again when it is due.
            Reply::OtherReaders(_, Err(_))
            | Reply::EndReader(_, _, Err(_))
            | Reply::LookAtOlder(_, Err(_))
            | Reply::ListAgain(Err(_))
            | Reply::Beat(_, Err(_))
            | Reply::Mailbox(Err(_)) => {}
        }
    }

    /// A source described its stream, or failed to.
    pub(in crate::coordinator) fn on_described(&mut self, ctx: &mut Context) {
        match self.phase {
            Phase::Describing if ctx.reads.known().is_some() => self.list_before(ctx),
            // If `streams` names a later life than the one described, this may be it.
            _ => self.judge_streams(ctx),
        }
    }

    /// Learns that a beat or the registration that was sent at `sent` was answered.
    fn become_valid(&mut self, sent: Time, ctx: &mut Context) {
        let until = valid_until(sent, self.session.timeout, ctx.settings.clock_guard);
        if until > self.valid_until {
            self.valid_until = until;
            ctx.push(Command::ValidUntil(until));
        }
    }
}

/// How long to wait before a failed call of joining or leaving is made again: at random, from a
/// sixth to half of the heartbeat interval.
fn retry_pause(ctx: &mut Context) -> Duration {
    let third = ctx.settings.heartbeat_interval / 3;
    third / 2 + ctx.rng.span(third)
}
