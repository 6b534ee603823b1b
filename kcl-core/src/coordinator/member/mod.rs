//! My own session: registering, beating, being valid, being fenced, leaving.
//!
//! PROTOCOL rules 1, 2, 15, 16 and 17.
//!
//! | phase | when | then | and there is asked |
//! |---|---|---|---|
//! | waiting | its time has come | describing, or listing if the stream is known | what the stream is, or all sessions |
//! | describing | the stream is described | listing | all sessions |
//! | listing | they are listed | registering | my row to be put |
//! | listing | I was fenced before, and another session of my id lives | over: duplicate | – |
//! | listing, registering | that failed | the same | the same, a little later |
//! | registering | it is put | passing | whether the application is open, and which stream it reads |
//! | registering | nothing is heard for a timeout | over: unheard | – |
//! | passing | the application is closed | shut | the end of my session; whether it is open, again and again |
//! | shut | somebody else closed it | shut | – (that is said) |
//! | shut | it is open, and my session has ended | over: reopened | – |
//! | passing | it reads my stream | passing | the same content to be put again, and all sessions |
//! | passing | it reads a later life of that | passing | what the stream is |
//! | passing | which it reads makes no sense, or asking failed | passing | which it reads, later |
//! | passing | it reads another, or none | passing | who reads that, again and again |
//! | passing | one of these is silent for a timeout | passing | its end |
//! | passing | all of them have ended | passing | mine to be put over it, and all sessions |
//! | passing | one of them beats | passing | which it reads, once more |
//! | passing | it still reads another | over: other stream | the end of my session |
//! | passing | the put landed | checking | – |
//! | checking | older sessions of my id live | checking | their end; or their row, if they are not to be replaced |
//! | checking | one that is not to be replaced is silent for a timeout | checking | its end, if it is still silent |
//! | checking | a newer one lives, or one that stays | over: duplicate | the end of my session |
//! | checking | no other one lives | live: joined | – |
//! | passing, checking, live | a beat is due, or was not answered for a third of an interval | the same | a beat |
//! | passing, checking, live | none was answered in time | the same: lapsed | – |
//! | passing, checking, live | one is answered | the same: revived, if it had lapsed | – |
//! | passing, checking, live | the store's history changed | the same: went back | which stream is read, again; and once live all sessions |
//! | live | an older session of my id lives after all | live | its end, and all sessions again |
//! | live | a newer one does | over: duplicate | the end of my session |
//! | live | the mailbox is to be read, where the store pushes nothing | live | my row |
//! | live | the mailbox was raised | live: woken | – |
//! | live | I am about to leave | live | a beat that says so |
//! | any | my session was ended | over: fenced | – |
//! | any | its row is gone in a changed history | over: vanished | – |
//! | any | I am to leave | over | the end of my session, until that is answered: left |

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

/// The incarnation of a new session: never one that was used before.
fn new_incarnation(drawn: u128) -> Incarnation {
    Incarnation::from_bits(if planted!(SameIncarnationAgain) { 1 } else { drawn })
}

/// Until when a session is valid whose newest answered beat was sent then.
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

/// My own session.
#[derive(Debug)]
pub(in crate::coordinator) struct Member {
    session: Session,
    phase: Phase,
    pass: Pass,
    listed: Listed,
    /// Earlier lives of this process: a store that goes back may show them as they were.
    former: Vec<SessionId>,
    /// One of them was fenced. From then on every other live session of my id is newer.
    fenced_before: bool,
    /// When each unanswered beat was sent.
    attempts: BTreeMap<u64, Time>,
    last_number: u64,
    beat_at: Time,
    retry_at: Time,
    valid_until: Time,
    lapsed: bool,
    leaving: bool,
    report: Report,
    mailbox: u64,
    poll_at: Time,
    generation: Option<Generation>,
    /// When it is made sure again that the id is mine alone.
    recheck_at: Time,
    /// When a planner or standby last read all sessions.
    watched_at: Option<Time>,
    /// How much later than it was due the last beat was sent.
    late: Duration,
}

impl Member {
    /// A member that joins at `at`, after these lives of the same process, of which one was fenced
    /// or none was.
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

    /// The lives of this process up to this one.
    pub(in crate::coordinator) fn lives(&self) -> Vec<SessionId> {
        self.former.iter().chain([self.id()]).cloned().collect()
    }

    /// My row, as I last wrote it.
    pub(in crate::coordinator) fn row(&self) -> Session {
        let mut row = self.session.clone();
        row.report = self.report;
        row.beat = self.last_number;
        if self.leaving {
            row.state = crate::lease::SessionState::Leaving;
        }
        row
    }

    /// What changes of my row from beat to beat: its number, what it tells, whether I leave.
    pub(in crate::coordinator) const fn news(&self) -> (u64, Report, bool) {
        (self.last_number, self.report, self.leaving)
    }

    /// Whether the session is registered, mine alone, and not over.
    pub(in crate::coordinator) fn is_live(&self) -> bool {
        self.phase == Phase::Live
    }

    /// Whether what the stream is has to be found out before anything else.
    pub(in crate::coordinator) fn is_describing(&self) -> bool {
        self.phase == Phase::Describing
    }

    /// Whether runs may dispatch now.
    pub(in crate::coordinator) fn is_valid(&self, now: Time) -> bool {
        self.is_live() && !self.lapsed && now < self.valid_until
    }

    pub(in crate::coordinator) const fn seen(&self) -> PlanVersion {
        self.report.seen
    }

    /// Notes that a document was seen: new dispatch of what it revokes has stopped.
    pub(in crate::coordinator) const fn has_seen(&mut self, version: PlanVersion) {
        self.report.seen = version;
    }

    /// Notes that I changed leases in a way no plan foresaw.
    pub(in crate::coordinator) const fn has_changed_leases(&mut self) {
        self.report.changes += 1;
    }

    /// Notes that a live session, not the expected one, holds what I should.
    pub(in crate::coordinator) const fn has_met_conflict(&mut self) {
        self.report.conflicts += 1;
    }

    /// How much later than it was due the last beat was sent that was due.
    pub(in crate::coordinator) const fn late(&self) -> Duration {
        self.late
    }

    /// Notes that I read all sessions.
    pub(in crate::coordinator) const fn has_watched(&mut self, now: Time) {
        self.watched_at = Some(now);
    }

    /// The store began or ceased to push wake-ups: the mailbox is polled while it does not.
    pub(in crate::coordinator) fn on_pushes(&mut self, ctx: &Context) {
        self.poll_at = if ctx.pushes { Time::NEVER } else { ctx.now };
    }

    /// Counts a pushed wake-up.
    pub(in crate::coordinator) fn on_push(&mut self, ctx: &mut Context) {
        self.mailbox += 1;
        ctx.signal(Signal::Woken);
    }

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
            // A failed leave is tried again.
            Phase::Over => self.retry_at,
        }
    }

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
            // Asked again at the time of each.
            Reply::OtherReaders(_, Err(_))
            | Reply::EndReader(_, _, Err(_))
            | Reply::LookAtOlder(_, Err(_))
            | Reply::ListAgain(Err(_))
            | Reply::Beat(_, Err(_))
            | Reply::Mailbox(Err(_)) => {}
        }
    }

    /// The stream was described anew.
    pub(in crate::coordinator) fn on_described(&mut self, ctx: &mut Context) {
        match self.phase {
            Phase::Describing if ctx.reads.known().is_some() => self.list_before(ctx),
            // Should the document name a later life, it may be this one.
            _ => self.judge_streams(ctx),
        }
    }

    fn become_valid(&mut self, sent: Time, ctx: &mut Context) {
        let until = valid_until(sent, self.session.timeout, ctx.settings.clock_guard);
        if until > self.valid_until {
            self.valid_until = until;
            ctx.push(Command::ValidUntil(until));
        }
    }
}

/// How long to wait before a failed call of joining or leaving is made again.
fn retry_pause(ctx: &mut Context) -> Duration {
    let third = ctx.settings.heartbeat_interval / 3;
    third / 2 + ctx.rng.span(third)
}
