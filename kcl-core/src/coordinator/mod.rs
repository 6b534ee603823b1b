//! When to do what: the coordination protocol of PROTOCOL §1 as a state machine.
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
//! | `inbox` | what does my assignment document say? |
//! | `leaving` | how do I go? |
//! | `start` | where did reading begin? |
//! | `reads` | which stream is it? |
//! | `reporting` | what do I tell of myself? |

mod call;
mod command;
mod context;
mod deadlines;
mod document;
mod event;
mod gather;
mod handoff;
mod heads;
mod hear;
mod inbox;
mod leaving;
mod member;
mod noted;
mod op;
mod paper;
mod planner;
mod reads;
mod reporting;
mod request;
mod route;
mod signal;
mod start;
mod succession;
mod watch;

#[cfg(test)]
mod tests;

pub use call::{CallId, StoreOutcome, StoreReply};
pub use command::{Command, DropReason, LossReason, Notice, Outcome, RunCommand, RunOrder};
pub use document::{Assignment, FrozenStart, Hold, Origin, Revoke, StreamStart, Transfer};
pub use event::{Event, RunEvent, RunNews, StreamView};
pub use op::StoreCall;
pub(crate) use op::operations;
pub use planner::forecast::{Forecast, Situation, forecast};

use std::time::Duration;

use self::{
    context::Context, deadlines::Due, handoff::Handoff, inbox::Inbox, leaving::Leaving,
    member::Member, planner::Planner, reporting::Reporting, succession::Succession, watch::Watch,
};
use crate::{
    env::Time,
    lease::{Epoch, LeaseKey, SessionId, WorkerId},
    settings::Coordination,
};

/// At which of the events the deadlines are compared with what the parts wait for.
#[cfg(debug_assertions)]
const COMPARED_EVERY: u64 = 251;

/// One worker's part in the coordination protocol.
#[derive(Debug)]
pub struct Coordinator {
    ctx: Context,
    member: Member,
    handoff: Handoff,
    watch: Watch,
    succession: Succession,
    planner: Option<Planner>,
    inbox: Inbox,
    leaving: Leaving,
    reporting: Reporting,
    rejoined: bool,
    joined_at: Time,
    /// After the store lost everything: when whoever lives has put again what it knows.
    others_known_at: Time,
    over: bool,
    #[cfg(debug_assertions)]
    events: u64,
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
        let mut it = Self {
            member,
            handoff: Handoff::new(me.clone()),
            watch: Watch::new(me.clone(), now),
            succession: Succession::new(me.clone()),
            planner: None,
            inbox: Inbox::new(me),
            leaving: Leaving::default(),
            reporting: Reporting::default(),
            rejoined: false,
            joined_at: now,
            others_known_at: Time::ZERO,
            over: false,
            #[cfg(debug_assertions)]
            events: 0,
            ctx,
        };
        it.tell_deadlines();
        it
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
        if self.over { Time::NEVER } else { self.ctx.deadlines.first() }
    }

    /// Tells all that the parts wait for, as far as it may have changed.
    fn tell_deadlines(&mut self) {
        self.handoff.tell_deadlines(&mut self.ctx);
        self.watch.tell_deadlines(&mut self.ctx);
        for (due, at) in self.few_deadlines() {
            self.ctx.deadlines.set(due, at);
        }
        #[cfg(debug_assertions)]
        self.compare_deadlines();
    }

    /// Sees at some of the events that no part waits for anything that is not in the set, nor the
    /// set for anything else: to look at all takes longer than most events.
    #[cfg(debug_assertions)]
    fn compare_deadlines(&mut self) {
        self.events += 1;
        if self.events.is_multiple_of(COMPARED_EVERY) {
            let (leases, sessions) = (self.handoff.deadlines(), self.watch.deadlines(&self.ctx));
            let all = leases.chain(sessions).chain(self.few_deadlines());
            let forgotten = self.ctx.deadlines.differs_from(all);
            assert_eq!(forgotten, None, "a deadline is not what its part waits for");
        }
    }

    fn planner_wake(&self) -> Time {
        self.planner.as_ref().map_or(Time::NEVER, |planner| planner.next_wake(&self.ctx))
    }

    /// The deadlines of the parts that have few.
    fn few_deadlines(&self) -> [(Due, Time); 7] {
        [
            (Due::Member, self.member.next_wake()),
            (Due::Succession, self.succession.next_wake()),
            (Due::Planner, self.planner_wake()),
            (Due::Inbox, self.inbox.next_wake()),
            (Due::Reporting, self.reporting.next_wake()),
            (Due::Describe, self.ctx.reads.next_wake()),
            (Due::Leaving, self.leaving.next_wake()),
        ]
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
        self.tell_deadlines();
        self.ctx.take_commands()
    }

    /// The parts have their turns, in the order of [`Due`].
    fn tick(&mut self) {
        let ctx = &mut self.ctx;
        self.handoff.on_tick(ctx);
        self.watch.on_tick(ctx);
        self.succession.on_tick(&mut self.watch, ctx);
        if let Some(planner) = &mut self.planner {
            planner.on_tick(&mut self.watch, ctx);
        }
        let facts = self.inbox_facts();
        self.inbox.on_tick(facts, &mut self.ctx);
        self.reporting.on_tick(self.member.is_live(), &mut self.ctx);
        self.ctx.describe_due();
        start::tell_others(&mut self.ctx);
    }

    fn inbox_facts(&self) -> inbox::Facts {
        inbox::Facts {
            is_planned_for: self.member.is_live() && self.planner.is_none(),
            follows_one: self.handoff.assignment().is_some(),
            is_leaving: self.leaving.is_under_way(),
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
        self.handoff = self.handoff.next_life(me.clone());
        self.watch = Watch::new(me.clone(), ctx.now);
        self.succession = Succession::new(me.clone());
        self.inbox = Inbox::new(me);
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
