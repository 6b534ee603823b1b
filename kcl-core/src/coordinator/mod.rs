//! When to do what: the coordination protocol of ARCHITECTURE §4 as a state machine.
//!
//! A [`Coordinator`] is one worker's part in it. It does no I/O and reads no clock: [`Event`]s and
//! the time go in, [`Command`]s come out. The keeper of a real worker and the simulator drive the
//! same machine.
//!
//! | part | its question |
//! |---|---|
//! | `member` | is my own session alive? |
//! | `handoff` | which leases do I hold, take, give? |
//! | `watch` | which other sessions are dead? |
//! | `succession` | who plans? |
//! | `planner` | who should hold what? |
//! | `leaving` | how do I go? |
//! | `start` | where did reading begin? |
//! | `reads` | which stream is it? |
//! | `reporting` | how heavy is what I hold? |

mod ask;
mod call;
mod command;
mod context;
mod document;
mod event;
mod gather;
mod handoff;
mod heads;
mod hear;
mod leaving;
mod member;
mod op;
mod planner;
mod reads;
mod reporting;
mod request;
mod route;
mod signal;
mod start;
mod succession;
mod timed;
mod watch;

#[cfg(test)]
mod tests;

pub use call::{CallId, StoreOutcome, StoreReply};
pub use command::{Command, DropReason, LossReason, Notice, Outcome, RunCommand, RunOrder};
pub use document::{Assignment, FrozenStart, Give, Hold, How, Origin, StreamStart};
pub use event::{Event, RunEvent, RunNews, StreamView};
pub use op::StoreCall;
pub(crate) use op::operations;

use std::time::Duration;

use self::{
    context::Context, handoff::Handoff, leaving::Leaving, member::Member, op::Answered,
    planner::Planner, reporting::Reporting, succession::Succession, timed::Timed, watch::Watch,
};
use crate::{
    env::Time,
    lease::{DocName, Document, Epoch, LeaseKey, SessionId, WorkerId},
    settings::Coordination,
};

/// How long a new session looks for its first document at the fast pace.
const EAGER_FOR: Duration = Duration::from_secs(5);

/// One worker's part in the coordination protocol.
#[derive(Debug)]
pub struct Coordinator {
    ctx: Context,
    member: Member,
    handoff: Timed<Handoff>,
    watch: Timed<Watch>,
    succession: Succession,
    planner: Option<Planner>,
    document: DocumentReads,
    leaving: Leaving,
    reporting: Reporting,
    rejoined: bool,
    joined_at: Time,
    /// After the store lost everything: when whoever lives has put again what it knows.
    others_known_at: Time,
    over: bool,
}

/// Reads of my own assignment document.
#[derive(Debug)]
struct DocumentReads {
    busy: bool,
    again: bool,
    /// When it is read without having been woken: while the first one, or the order to go, is
    /// expected any moment.
    poll_at: Time,
    /// The version that made no sense, once that was told.
    unreadable: Option<u64>,
}

impl DocumentReads {
    const fn new() -> Self {
        Self { busy: false, again: false, poll_at: Time::NEVER, unreadable: None }
    }
}

impl Coordinator {
    /// A worker's part, starting at `now`. Two coordinators with the same arguments and the same
    /// events do the same.
    #[must_use]
    pub fn new(worker: WorkerId, settings: Coordination, now: Time, seed: u64) -> Self {
        let mut ctx = Context::new(settings, seed);
        ctx.now = now;
        let member = Member::new(worker, now, Vec::new(), false, &mut ctx);
        let me = member.id().clone();
        Self {
            member,
            handoff: Timed::new(Handoff::new(me.clone())),
            watch: Timed::new(Watch::new(me.clone(), now)),
            succession: Succession::new(me),
            planner: None,
            document: DocumentReads::new(),
            leaving: Leaving::default(),
            reporting: Reporting::default(),
            rejoined: false,
            joined_at: now,
            others_known_at: Time::ZERO,
            over: false,
            ctx,
        }
    }

    /// The same for processors that keep their effects in the store's own database: when the store
    /// went back in time, so did the effects, and nothing is written forward.
    #[must_use]
    pub fn following_the_store(mut self) -> Self {
        self.handoff.follow_the_store();
        self
    }

    /// The session as it is now; a worker that was fenced gets a new one.
    #[must_use]
    pub const fn session(&self) -> &SessionId {
        self.member.id()
    }

    /// Whether the worker is over: no event means anything to it any more.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.over
    }

    /// Whether this worker plans, and in which term.
    #[must_use]
    pub fn planning(&self) -> Option<Epoch> {
        self.planner.as_ref().map(Planner::term)
    }

    /// The leases held, with their epochs.
    pub fn held(&self) -> impl Iterator<Item = (&LeaseKey, Epoch)> {
        self.handoff.held()
    }

    /// The newest assignment followed.
    #[must_use]
    pub fn assignment(&self) -> Option<&Assignment> {
        self.handoff.assignment()
    }

    /// When [`Event::Tick`] is due at the latest.
    #[must_use]
    pub fn next_wake(&self) -> Time {
        if self.over {
            return Time::NEVER;
        }
        self.member
            .next_wake()
            .min(self.handoff.wake(true, Handoff::next_wake))
            .min(self.watch_wake())
            .min(self.succession.next_wake())
            .min(self.planner.as_ref().map_or(Time::NEVER, Planner::next_wake))
            .min(self.document.poll_at)
            .min(self.ctx.reads.next_wake())
            .min(self.leaving.next_wake())
            .min(self.reporting.next_wake())
    }

    fn watch_wake(&self) -> Time {
        let ctx = &self.ctx;
        self.watch.wake(self.watch.is_well(ctx), |watch| watch.next_wake(ctx))
    }

    /// Something happened at `now`: what is to be done about it.
    #[must_use]
    pub fn handle(&mut self, now: Time, event: Event) -> Vec<Command> {
        if self.over {
            return Vec::new();
        }
        self.ctx.now = self.ctx.now.max(now);
        // A deadline that has passed is noticed before anything else is looked at.
        self.member.on_tick(&mut self.ctx);
        self.settle();
        self.route(event);
        self.settle();
        self.tick();
        self.settle();
        self.ctx.take_commands()
    }

    fn tick(&mut self) {
        let ctx = &mut self.ctx;
        if self.handoff.remember_wake(true, Handoff::next_wake) <= ctx.now {
            self.handoff.on_tick(ctx);
        }
        let well = self.watch.is_well(ctx);
        if self.watch.remember_wake(well, |watch| watch.next_wake(ctx)) <= ctx.now
            || self.watch.is_patient()
        {
            self.watch.on_tick(ctx);
        }
        self.succession.on_tick(&mut self.watch, ctx);
        if let Some(planner) = &mut self.planner {
            planner.on_tick(&mut self.watch, ctx);
        }
        if self.document.poll_at <= ctx.now {
            self.poll_document();
        }
        self.reporting.on_tick(self.member.is_live(), &mut self.ctx);
        self.ctx.describe_due();
        start::tell_others(&mut self.ctx);
    }

    /// Reads my assignment document, once more if it is being read.
    fn read_document(&mut self) {
        if self.document.busy {
            self.document.again = true;
            return;
        }
        self.document.busy = true;
        let name = DocName::assignment(&self.member.id().worker);
        self.ctx.ask(op::Doc(name), ask::MyDocument);
    }

    fn poll_document(&mut self) {
        let now = self.ctx.now;
        let first = !self.has_own_document() && now.since(self.joined_at) < EAGER_FOR;
        let expected = self.member.is_live() && self.planner.is_none();
        let eager = first || self.leaving.is_under_way() || planted!(EagerForEver);
        self.document.poll_at =
            if expected && eager { now + self.ctx.settings.fast_poll } else { Time::NEVER };
        if expected {
            self.read_document();
        }
    }

    fn has_own_document(&self) -> bool {
        self.handoff.assignment().is_some_and(|a| a.session == *self.member.id())
    }

    fn on_document(&mut self, answer: Answered<op::Doc>) {
        self.document.busy = false;
        if let Ok(Some(found)) = answer {
            match Assignment::decode(&found.body) {
                Some(assignment) => self.follow(assignment),
                None => self.on_unreadable(found),
            }
        }
        if std::mem::take(&mut self.document.again) {
            self.read_document();
        }
    }

    /// My document makes no sense: what I hold I go on holding, and it is told once what stands in
    /// the way of more.
    fn on_unreadable(&mut self, found: Document) {
        if self.document.unreadable != Some(found.version) {
            self.document.unreadable = Some(found.version);
            let problem = Assignment::EXPECTED.to_owned();
            self.ctx.notify(Notice::Unreadable(found.name, problem));
        }
    }

    /// Follows a document, if it is newer than any seen, and says so in a beat.
    fn follow(&mut self, assignment: Assignment) {
        if !self.member.is_live() {
            return;
        }
        let mine = self.ctx.reads.known().map(|known| &known.key.name);
        // A former life of this worker may have read another stream.
        for start in assignment.starts.iter().filter(|told| Some(&told.of.name) == mine) {
            self.ctx.starts.learn(start);
        }
        if assignment.session != *self.member.id() {
            if !self.rejoined && self.handoff.assignment().is_none() {
                sometimes!(FormerWishesTaken);
                self.handoff.take_back(&assignment, &mut self.ctx);
            }
            return;
        }
        let version = assignment.version;
        let seen = self.member.seen();
        let newer =
            if planted!(TermNotCompared) { version.version > seen.version } else { version > seen };
        if !newer {
            sometimes!(OldDocumentIgnored);
            return;
        }
        self.succession.on_assignment(&assignment, &mut self.watch, &mut self.ctx);
        self.handoff.apply(assignment, &mut self.ctx);
        self.member.has_seen(version);
        if !planted!(EchoWaitsForBeat) {
            self.member.beat_now(&mut self.ctx);
        }
    }

    /// The session was ended by others: a new life starts, with nothing of the old one.
    fn rejoin(&mut self) {
        sometimes!(Rejoined);
        let pause = self.ctx.rng.span(self.ctx.settings.heartbeat_interval);
        self.rejoined = true;
        self.start_anew(pause);
    }

    fn start_anew(&mut self, pause: Duration) {
        self.drop_planner();
        let ctx = &mut self.ctx;
        ctx.forget_calls();
        // For the session that is over.
        ctx.pushes = false;
        let worker = self.member.id().worker.clone();
        let former = self.member.lives();
        self.member = Member::new(worker, ctx.now + pause, former, self.rejoined, ctx);
        let me = self.member.id().clone();
        let handoff = self.handoff.next_life(me.clone());
        self.handoff = Timed::new(handoff);
        self.watch = Timed::new(Watch::new(me.clone(), ctx.now));
        self.succession = Succession::new(me);
        self.document = DocumentReads::new();
        self.reporting = Reporting::default();
    }

    /// Gives the frozen starts back to a store that may have lost them. A planner does so as it
    /// plans.
    fn give_starts_back(&mut self) {
        if self.planner.is_none() && self.member.is_live() {
            start::give_back(&mut self.ctx);
        }
    }

    /// Where reading of each stream began, as far as this process knows.
    pub fn known_starts(&self) -> impl Iterator<Item = &StreamStart> {
        self.ctx.starts.known()
    }

    fn finish(&mut self, outcome: Outcome) {
        self.over = true;
        self.planner = None;
        self.ctx.push(Command::Finished(outcome));
    }
}
