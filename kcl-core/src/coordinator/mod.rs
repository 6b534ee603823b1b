//! The coordination protocol (PROTOCOL §1) as a state machine without I/O.
//!
//! One [`Coordinator`] is the protocol of one worker. [`Coordinator::handle`] takes the time and an
//! [`Event`] (the answer of a call, news of a run, a timer) and returns [`Command`]s (calls to
//! make, orders to runs). The keeper of a real worker executes the commands on a lease store; the
//! simulator executes the same commands on a simulated store.
//!
//! Each part is a folder or a file with its own states; its `mod.rs` holds the table of them:
//!
//! | part | its question |
//! |---|---|
//! | `member` | is the session of this worker alive? |
//! | `handoff` | which leases does this worker hold, acquire and release? |
//! | `watch` | which other sessions are dead? |
//! | `succession` | which worker is the planner? |
//! | `planner` | which worker should hold which lease? (only while this worker plans) |
//! | `inbox` | what does the assignment document of this worker say? |
//! | `leaving` | in which order does a worker stop? |
//! | `start` | where did the application begin to read each stream? |
//! | `reads` | which streams do the sources of this worker read? |
//! | `reporting` | what does this worker report of itself? |
//!
//! How the parts work together:
//!
//! - `route.rs` hands each event to the part that it belongs to. A part asks the store through the
//!   `Context`, which remembers the request until the reply comes.
//! - A part notifies the other parts with a signal. `hear.rs` lists who reacts to which signal.
//! - Each part knows when it is due next; `deadlines.rs` keeps these times in one set, and
//!   [`Coordinator::next_wake`] is the first of them.
//!
//! What it does not do: no safety rests on the order or the speed of events. The conditional writes
//! of the store decide which worker holds a lease.

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

/// A debug build compares the set of deadlines with the parts' own at one event in this many. A
/// comparison at each event would make simulated fleets three times slower.
#[cfg(debug_assertions)]
const COMPARED_EVERY: u64 = 251;

/// The coordination protocol of one worker, for the whole life of its process: a worker that was
/// fenced goes on with a new session in the same coordinator.
#[derive(Debug)]
pub struct Coordinator {
    /// The context that all parts share.
    ctx: Context,
    member: Member,
    handoff: Handoff,
    watch: Watch,
    succession: Succession,
    /// `Some` while this worker holds the lease `@planner`.
    planner: Option<Planner>,
    inbox: Inbox,
    leaving: Leaving,
    reporting: Reporting,
    /// Whether another session fenced an earlier session of this process.
    rejoined: bool,
    /// When the present session joined. The first plan waits `join_gather` from then on.
    joined_at: Time,
    /// After the store lost everything: the time by which the other live workers have put again the
    /// rows they know. This worker makes no plan before.
    others_known_at: Time,
    /// Whether the worker is over: [`Command::Finished`] was returned.
    over: bool,
    /// The number of events so far.
    #[cfg(debug_assertions)]
    events: u64,
}

impl Coordinator {
    /// A worker that starts to join at `now`. `seed` feeds all random choices: two coordinators
    /// with the same arguments and the same events return the same commands.
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

    /// The same coordinator for processors that keep their effects in the store's own database.
    /// When such a store goes back in time, the effects go back with the rows. So this coordinator
    /// never writes a checkpoint forward over an older row.
    #[must_use]
    pub fn following_the_store(mut self) -> Self {
        self.handoff.follow_the_store();
        self
    }

    /// The present session. A worker that was fenced gets a new one.
    #[must_use]
    pub const fn session(&self) -> &SessionId {
        self.member.id()
    }

    /// Whether the worker is over: [`Self::handle`] returns no command any more.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.over
    }

    /// The term of the planner, if this worker is the planner; else `None`.
    #[must_use]
    pub fn planning(&self) -> Option<Epoch> {
        self.planner.as_ref().map(Planner::term)
    }

    /// The leases that this worker holds, with their epochs.
    pub fn held(&self) -> impl Iterator<Item = (&LeaseKey, Epoch)> {
        self.handoff.held()
    }

    /// The newest assignment document that this session follows; `None` before the first.
    #[must_use]
    pub fn assignment(&self) -> Option<&Assignment> {
        self.handoff.assignment()
    }

    /// The latest time at which the caller has to hand in the next event; [`Event::Tick`], if there
    /// is no other. [`Time::NEVER`] once the worker is over.
    #[must_use]
    pub fn next_wake(&self) -> Time {
        if self.over { Time::NEVER } else { self.ctx.deadlines.first() }
    }

    /// Brings the set of deadlines up to date with the parts.
    fn tell_deadlines(&mut self) {
        self.handoff.tell_deadlines(&mut self.ctx);
        self.watch.tell_deadlines(&mut self.ctx);
        for (due, at) in self.few_deadlines() {
            self.ctx.deadlines.set(due, at);
        }
        #[cfg(debug_assertions)]
        self.compare_deadlines();
    }

    /// Panics, at one event in [`COMPARED_EVERY`], if the set of deadlines differs from the times
    /// that the parts have. To compare them takes longer than most events.
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

    /// The deadlines of the parts that have one deadline each.
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

    /// Reacts to an event that happened at `now`: the commands to execute, in this order. `now`
    /// must come from a monotonic clock; an earlier time than that of the last event counts as that
    /// one.
    #[must_use]
    pub fn handle(&mut self, now: Time, event: Event) -> Vec<Command> {
        if self.over {
            return Vec::new();
        }
        self.ctx.now = self.ctx.now.max(now);
        // The session's validity is checked first: no part may act on a session that has lapsed.
        self.member.on_tick(&mut self.ctx);
        self.settle();
        self.route(event);
        self.settle();
        self.tick();
        self.settle();
        self.tell_deadlines();
        self.ctx.take_commands()
    }

    /// Lets each part do the work that is due, in the order of [`Due`].
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

    /// Another session fenced this one: registers a new session after a random pause of up to one
    /// heartbeat interval.
    fn rejoin(&mut self) {
        sometimes!(Rejoined);
        let pause = self.ctx.rng.span(self.ctx.settings.heartbeat_interval);
        self.rejoined = true;
        self.start_anew(pause);
    }

    /// Replaces the session and everything that belongs to it. What the process knows beyond its
    /// sessions stays: frozen starts, sources, epochs, and the memory of `handoff`.
    fn start_anew(&mut self, pause: Duration) {
        self.drop_planner();
        let ctx = &mut self.ctx;
        ctx.forget_calls();
        // The store pushed wake-ups to the old session.
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

    /// Puts the frozen starts again that the store may have lost. A planner does so in its own
    /// readings.
    fn give_starts_back(&mut self) {
        if self.planner.is_none() && self.member.is_live() {
            start::give_back(&mut self.ctx);
        }
    }

    /// The frozen start of each stream that this process knows.
    pub fn known_starts(&self) -> impl Iterator<Item = &StreamStart> {
        self.ctx.starts.known()
    }

    /// Ends the worker: `outcome` is the last command.
    fn finish(&mut self, outcome: Outcome) {
        self.over = true;
        self.planner = None;
        self.ctx.push(Command::Finished(outcome));
    }
}
