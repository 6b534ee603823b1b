//! What the parts of a coordinator share: time, knobs, calls under way, commands to come.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{
    call::CallId,
    command::{Command, Notice, RunCommand, RunOrder},
    deadlines::Deadlines,
    gather::gathers,
    handoff::request as handoff,
    inbox::request as inbox,
    member::request as member,
    op::{self, Operation},
    planner::{
        catalogue::request as catalogue, janitor::request as janitor, loads::request as loads,
        moves::request as moves, publisher::request as publisher, request as planner,
        telling::request as telling,
    },
    reads::Reads,
    reporting::request as reporting,
    request::StoreRequest,
    signal::Signal,
    start::{Starts, request as start},
    succession::request as succession,
    watch::request as watch,
};
use crate::{
    env::{Rng, Time},
    lease::{Epoch, Lease, LeaseKey, SessionId, Stamp, StoreTime},
    settings::Coordination,
    stream::StreamName,
};

/// Ended sessions remembered. Only a cache: what is forgotten is asked for again.
const ENDED_MAX: usize = 10_000;

/// Shared by the parts of one coordinator.
#[derive(Debug)]
pub(super) struct Context {
    /// The time of the event at hand.
    pub(super) now: Time,
    pub(super) settings: Coordination,
    /// Whether the session is valid: who is not takes nothing, plans nothing and runs nothing.
    pub(super) valid: bool,
    /// Whether the store pushes wake-ups.
    pub(super) pushes: bool,
    pub(super) rng: Rng,
    pub(super) epochs: Epochs,
    pub(super) starts: Starts,
    pub(super) reads: Reads,
    /// When the newest beat was sent whose answer was heard: by then the store had gone back no
    /// further than is known.
    pub(super) heard: Time,
    /// Sessions known to have ended: that is final, so it may be remembered.
    pub(super) ended: BTreeSet<SessionId>,
    calls: BTreeMap<CallId, ReplyTo>,
    next_call: u64,
    out: Vec<Command>,
    pub(super) deadlines: Deadlines,
    /// What the parts have said and nobody has heard yet.
    signals: VecDeque<Signal>,
}

/// Why a call was made, and by which part: routes its outcome.
#[derive(Clone, Debug)]
pub(super) enum ReplyTo {
    Member(member::Request),
    Handoff(handoff::Request),
    Watch(watch::Request),
    Planner(planner::Request),
    Start(start::Request),
    Reporting(reporting::Request),
    Succession(succession::Request),
    Inbox(inbox::Request),
    /// What the stream is of the source that has said it reads this one; of one that has said
    /// nothing yet.
    Describe(Option<StreamName>),
    /// The planner's listing of the shards of a stream.
    Shards(StreamName),
    /// Nobody waits for the outcome.
    Nobody,
}

gathers! { ReplyTo:
    Member of member::Request;
    Handoff of handoff::Request;
    Watch of watch::Request;
    Planner of planner::Request, with (
        catalogue::Request, loads::Request, moves::Request, publisher::Request, janitor::Request,
        telling::Request
    );
    Start of start::Request;
    Reporting of reporting::Request;
    Succession of succession::Request;
    Inbox of inbox::Request;
}

impl Context {
    pub(super) fn new(settings: Coordination, seed: u64) -> Self {
        Self {
            now: Time::ZERO,
            settings,
            valid: false,
            pushes: false,
            rng: Rng::new(seed),
            epochs: Epochs::default(),
            starts: Starts::default(),
            reads: Reads::default(),
            heard: Time::ZERO,
            ended: BTreeSet::new(),
            calls: BTreeMap::new(),
            next_call: 0,
            out: Vec::new(),
            deadlines: Deadlines::default(),
            signals: VecDeque::new(),
        }
    }

    /// Asks the store, for `request`.
    pub(super) fn ask<R: StoreRequest>(&mut self, by: R::By, request: R)
    where
        ReplyTo: From<R::Request>,
    {
        self.send(by, request.ask().into());
    }

    /// Tells the store something whose outcome nobody waits for.
    pub(super) fn tell(&mut self, what: impl Operation) {
        self.send(what, ReplyTo::Nobody);
    }

    fn send(&mut self, by: impl Operation, purpose: ReplyTo) {
        let id = self.call(purpose);
        self.out.push(Command::Store(id, Box::new(by.call())));
    }

    /// Asks for a listing of the shards of a stream, for the planner.
    pub(super) fn list_shards(&mut self, of: &StreamName) {
        let id = self.call(ReplyTo::Shards(of.clone()));
        self.out.push(Command::ListShards(id, of.clone()));
    }

    /// Asks what the streams are of which that is wanted and due.
    pub(super) fn describe_due(&mut self) {
        for of in self.reads.take_due(self.now) {
            let id = self.call(ReplyTo::Describe(of.clone()));
            self.out.push(Command::Describe(id, of));
        }
    }

    fn call(&mut self, purpose: ReplyTo) -> CallId {
        let id = CallId(self.next_call);
        self.next_call += 1;
        self.calls.insert(id, purpose);
        id
    }

    /// Wakes a session; a wake-up may be lost.
    pub(super) fn wake(&mut self, session: &SessionId) {
        if wakes_others() {
            self.tell(op::Wake(session.clone()));
        }
    }

    pub(super) fn run(&mut self, key: &LeaseKey, epoch: Epoch, order: RunOrder) {
        self.out.push(Command::Run(RunCommand { key: key.clone(), epoch, order }));
    }

    pub(super) fn notify(&mut self, notice: Notice) {
        self.out.push(Command::Notify(notice));
    }

    pub(super) fn push(&mut self, command: Command) {
        self.out.push(command);
    }

    /// Queues a signal for the other parts. They hear it after those queued before, and not before
    /// the part that queues it is done.
    pub(super) fn signal(&mut self, signal: impl Into<Signal>) {
        self.signals.push_back(signal.into());
    }

    /// Takes the signal that was queued first.
    pub(super) fn next_signal(&mut self) -> Option<Signal> {
        self.signals.pop_front()
    }

    /// Remembers that a session has ended.
    pub(super) fn note_ended(&mut self, id: &SessionId) {
        if self.ended.len() >= ENDED_MAX {
            self.ended.clear();
        }
        self.ended.insert(id.clone());
    }

    /// Who made the call, once.
    pub(super) fn take_purpose(&mut self, id: CallId) -> Option<ReplyTo> {
        self.calls.remove(&id)
    }

    /// Forgets what a planner that is no more waits for, and has said.
    pub(super) fn forget_planner_calls(&mut self) {
        let of_planner =
            |purpose: &ReplyTo| matches!(purpose, ReplyTo::Planner(_) | ReplyTo::Shards(_));
        self.calls.retain(|_, purpose| !of_planner(purpose));
        self.signals.retain(|signal| !matches!(signal, Signal::Planner(_)));
    }

    /// Forgets every call under way, what the parts have said and what they wait for: it means
    /// nothing to a new life.
    pub(super) fn forget_calls(&mut self) {
        self.deadlines.clear();
        self.starts.forget_calls();
        self.reads.forget_call();
        self.calls.clear();
        self.signals.clear();
    }

    pub(super) fn take_commands(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.out)
    }
}

/// Makes epochs: above the row's, above all seen, and no less than the store's clock, so that a
/// store that lost its last writes gives no epoch a second time.
#[derive(Debug, Default)]
pub(super) struct Epochs {
    highest: u64,
    /// The latest time of the store that is known of, and when it was.
    clock: Option<(u64, Time)>,
}

impl Epochs {
    /// Learns from a row. An epoch was the store's time once.
    pub(super) fn saw(&mut self, row: &Lease, now: Time) {
        self.highest = self.highest.max(row.epoch.0);
        self.is_at_least(row.epoch.0, now);
    }

    /// Learns the store's time from a reply that arrived at `now`.
    pub(super) fn stamped(&mut self, stamp: &Stamp, now: Time) {
        self.clock = self.clock.filter(|_| goes_only_forward());
        self.is_at_least(stamp.at.0, now);
    }

    /// The store's time as far as it is known: zero before anything is.
    pub(super) fn store_time(&self, now: Time) -> StoreTime {
        StoreTime(self.clock(now))
    }

    /// The store's time, which goes on here whatever the store's own clock does: one that takes
    /// over with its writes lost may have a clock that is behind.
    fn clock(&self, now: Time) -> u64 {
        self.clock.map_or(0, |(at, then)| {
            let passed = u64::try_from(now.since(then).as_millis()).unwrap_or(0);
            at.saturating_add(passed)
        })
    }

    /// At `now` it is as late as this by the store's clock, if not later.
    pub(super) fn is_at_least(&mut self, at: u64, now: Time) {
        if at > self.clock(now) {
            self.clock = Some((at, now));
        }
    }

    /// The epoch that follows `seen`.
    pub(super) fn next(&mut self, seen: Epoch, now: Time) -> Epoch {
        self.highest = (seen.0 + 1).max(self.highest + 1).max(self.clock(now));
        above(seen, Epoch(self.highest))
    }
}

/// Whether who is waited for is woken.
fn wakes_others() -> bool {
    !planted!(WakeNeverSent)
}

/// Whether the store's clock is believed only where it goes forward.
fn goes_only_forward() -> bool {
    !planted!(EpochsFollowTheClockBack)
}

/// The next epoch: above that of the row.
fn above(row: Epoch, all: Epoch) -> Epoch {
    if planted!(NoEpochBump) { row } else { above_all(row, all) }
}

/// The next epoch: above that of the row, and above all others that are known of.
fn above_all(row: Epoch, all: Epoch) -> Epoch {
    if planted!(EpochFromRowAlone) { Epoch(row.0 + 1) } else { all }
}
