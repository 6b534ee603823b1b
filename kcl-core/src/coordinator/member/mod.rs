//! My own session: registering, beating, being valid, being fenced, leaving.
//!
//! ARCHITECTURE §4 rules 1, 2, 15, 16 and 17.

mod beat;
mod join;
mod pass;
mod readers;
mod shut;

use std::{collections::BTreeMap, time::Duration};

use super::{
    call::{StoreOutcome, StoreReply},
    command::Command,
    context::Context,
};
use crate::{
    env::Time,
    lease::{
        EndReason, Generation, Incarnation, PlanVersion, Report, Session, SessionId, WorkerId,
    },
    stream::StreamName,
};

/// What a member asked the store for.
#[derive(Clone, Debug)]
pub(in crate::coordinator) enum Ask {
    /// The sessions, before registering.
    ListBefore,
    /// The row of a new session; sent at.
    Register(Time),
    /// Whether the application is open.
    Changing,
    /// What passing asked for in this step of it.
    Pass(u64, pass::PassAsk),
    /// The end of the session that found the application closed.
    EndShut,
    /// The sessions, after registering.
    ListAfter,
    /// The end of an older session of my id.
    EndOlder(SessionId),
    /// The row of an older session of my id that I must not replace.
    LookAtOlder(SessionId),
    /// The sessions, after the store went back.
    ListAgain,
    /// A beat of this number.
    Beat(u64),
    /// My own row, for its mailbox.
    Mailbox,
    /// The end of my own session, by myself.
    Leave,
}

/// What became of the member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::coordinator) enum Signal {
    /// The session is registered and its id is mine alone.
    Joined,
    /// Somebody raised the mailbox.
    Woken,
    /// The deadline passed without an answered beat.
    Lapsed,
    /// A beat was answered after a lapse.
    Revived,
    /// Nobody knows what became of the session: no attempt to register it was answered in time.
    Unheard,
    /// The session was ended by others.
    Fenced(EndReason),
    /// The store's history changed.
    WentBack,
    /// The application was closed, and is open again.
    Reopened,
    /// The application reads another stream, and who reads it lives.
    OtherStream { reads: Option<StreamName>, wanted: StreamName },
    /// The store's history changed, and the session's row is not in the new one.
    Vanished,
    /// The session ended itself, as it was asked to.
    Left,
    /// A newer session of my id lives.
    Duplicate,
}

/// My own session.
#[derive(Debug)]
pub(in crate::coordinator) struct Member {
    session: Session,
    phase: Phase,
    pass: pass::Pass,
    /// The sessions as listed after registering, until they are judged; or they are being listed.
    listed: Option<Vec<Session>>,
    listing: bool,
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
    signals: Vec<Signal>,
}

#[derive(Debug, PartialEq, Eq)]
enum Phase {
    /// Waiting until it is time to start: after a fence, the first beats are spread.
    Waiting(Time),
    /// What the stream is, is being found out.
    Describing,
    Listing,
    /// Since when the same row is sent.
    Registering(Time),
    /// Registered; whether the application is open and reads my stream is being found out.
    Passing,
    /// It is closed: the session has ended, or will have.
    Shut(shut::Shut),
    /// Passed; whether the id is mine alone is being found out.
    Checking(join::Older),
    Live,
    Over,
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
        let mut incarnation = Incarnation::from_bits(ctx.rng.next_u128());
        if planted!(SameIncarnationAgain) {
            incarnation = Incarnation::from_bits(1);
        }
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
            pass: pass::Pass::default(),
            listed: None,
            listing: false,
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
            signals: Vec::new(),
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

    /// Notes that I read all sessions.
    pub(in crate::coordinator) const fn has_watched(&mut self, now: Time) {
        self.watched_at = Some(now);
    }

    /// The store began or ceased to push wake-ups: the mailbox is polled while it does not.
    pub(in crate::coordinator) fn on_pushes(&mut self, ctx: &Context) {
        self.poll_at = if ctx.pushes { Time::NEVER } else { ctx.now };
    }

    /// Counts a pushed wake-up.
    pub(in crate::coordinator) fn on_push(&mut self) -> Vec<Signal> {
        self.mailbox += 1;
        vec![Signal::Woken]
    }

    pub(in crate::coordinator) fn take_signals(&mut self) -> Vec<Signal> {
        std::mem::take(&mut self.signals)
    }

    pub(in crate::coordinator) fn next_wake(&self) -> Time {
        let deadline = if self.lapsed { Time::NEVER } else { self.valid_until };
        let beat = self.beat_at.min(self.retry_at).min(deadline).min(self.pass.next_wake());
        match &self.phase {
            Phase::Waiting(at) => *at,
            Phase::Describing => Time::NEVER,
            Phase::Listing | Phase::Registering(_) => self.retry_at,
            Phase::Passing => beat,
            Phase::Shut(shut) => shut.next_look(),
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
            Phase::Shut(shut) if shut.next_look() <= ctx.now => self.look_whether_open(ctx),
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

    pub(in crate::coordinator) fn on_reply(
        &mut self,
        ask: Ask,
        outcome: StoreOutcome,
        ctx: &mut Context,
    ) {
        if self.phase == Phase::Over && !matches!(ask, Ask::Leave) {
            return;
        }
        match (ask, outcome) {
            (Ask::ListBefore, Ok(StoreReply::Sessions(rows))) => self.register(&rows, ctx),
            (Ask::Register(sent), Ok(StoreReply::Beat(reply))) => {
                self.on_registered(sent, reply, ctx);
            }
            (Ask::Changing, outcome) => self.on_changing(outcome, ctx),
            (Ask::Pass(round, ask), outcome) => self.on_pass_reply(round, ask, outcome, ctx),
            (Ask::EndShut, outcome) => self.on_shut_ended(&outcome),
            (Ask::ListAfter, Ok(StoreReply::Sessions(rows))) => self.on_listed_after(rows, ctx),
            (Ask::ListAgain, Ok(StoreReply::Sessions(rows))) => self.check_again(&rows, ctx),
            (Ask::ListBefore | Ask::Register(_), Err(_)) => {
                self.retry_at = ctx.now + retry_pause(ctx);
            }
            (Ask::ListAfter, Err(_)) => self.list_after_later(ctx),
            (Ask::EndOlder(id), outcome) => self.on_older_ended(&id, outcome, ctx),
            (Ask::LookAtOlder(id), Ok(StoreReply::Session(row))) => {
                self.on_older(&id, row.as_ref(), ctx);
            }
            (Ask::Beat(number), Ok(StoreReply::Beat(reply))) => {
                self.on_beat(number, reply, ctx);
            }
            (Ask::Mailbox, Ok(StoreReply::Session(row))) => self.on_mailbox(row.as_ref()),
            (Ask::Leave, outcome) => self.on_left(&outcome, ctx),
            _ => {}
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
        let mut until = sent + self.session.timeout - ctx.settings.clock_guard;
        if planted!(DeadlineNotKept) {
            until = until + self.session.timeout;
        }
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
