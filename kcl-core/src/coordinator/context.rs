//! The [`Context`], which all parts of a coordinator share: it holds the time, the settings, the
//! calls under way, and the commands to return.
//!
//! A part asks the store with [`Context::ask`] and gets the answer through `route.rs`; it notifies
//! the other parts with [`Context::signal`]; it returns commands with [`Context::push`] and the
//! methods beside it. [`Epochs`] makes the epochs for acquires.

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

/// How many ended sessions are remembered. The set is only a cache: a session that was forgotten is
/// read again.
const ENDED_MAX: usize = 10_000;

/// The state that all parts of one coordinator share.
#[derive(Debug)]
pub(super) struct Context {
    /// The time of the present event.
    pub(super) now: Time,
    pub(super) settings: Coordination,
    /// Whether the session is valid. A session that is not acquires nothing, runs nothing and
    /// publishes no plan.
    pub(super) valid: bool,
    /// Whether the store pushes wake-ups; else `member` reads its own row for them.
    pub(super) pushes: bool,
    /// The only source of randomness.
    pub(super) rng: Rng,
    /// Makes the epochs for acquires.
    pub(super) epochs: Epochs,
    /// The frozen starts that this process knows.
    pub(super) starts: Starts,
    /// Which streams the sources of this worker read.
    pub(super) reads: Reads,
    /// When the newest answered beat was sent: the session knows of every step back of the store up
    /// to then.
    pub(super) heard: Time,
    /// Sessions that have ended. An end is final, so a session stays here until the set is full.
    pub(super) ended: BTreeSet<SessionId>,
    /// The calls under way, each with the request that waits for its reply.
    calls: BTreeMap<CallId, ReplyTo>,
    next_call: u64,
    /// The commands of the present event.
    out: Vec<Command>,
    /// When each part is due next.
    pub(super) deadlines: Deadlines,
    /// Signals of parts that no other part has heard yet, the oldest first.
    signals: VecDeque<Signal>,
}

/// The request that a call was made for; it names the part that gets the outcome.
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
    /// The description of the stream of a source, by the name that the source gave before; `None`
    /// for a source that has given none.
    Describe(Option<StreamName>),
    /// The planner's listing of the shards of this stream.
    Shards(StreamName),
    /// No part needs the outcome.
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

    /// Makes a call to the store. Its reply goes to the part of `request`, together with what the
    /// request remembers.
    pub(super) fn ask<R: StoreRequest>(&mut self, by: R::By, request: R)
    where
        ReplyTo: From<R::Request>,
    {
        self.send(by, request.ask().into());
    }

    /// Makes a call whose outcome no part needs.
    pub(super) fn tell(&mut self, what: impl Operation) {
        self.send(what, ReplyTo::Nobody);
    }

    fn send(&mut self, by: impl Operation, purpose: ReplyTo) {
        let id = self.call(purpose);
        self.out.push(Command::Store(id, Box::new(by.call())));
    }

    /// Lists the shards of a stream. The outcome goes to the planner.
    pub(super) fn list_shards(&mut self, of: &StreamName) {
        let id = self.call(ReplyTo::Shards(of.clone()));
        self.out.push(Command::ListShards(id, of.clone()));
    }

    /// Asks for each description of a stream that a part wants and that is due.
    pub(super) fn describe_due(&mut self) {
        for of in self.reads.take_due(self.now) {
            let id = self.call(ReplyTo::Describe(of.clone()));
            self.out.push(Command::Describe(id, of));
        }
    }

    /// Remembers a request under the next call number.
    fn call(&mut self, purpose: ReplyTo) -> CallId {
        let id = CallId(self.next_call);
        self.next_call += 1;
        self.calls.insert(id, purpose);
        id
    }

    /// Wakes another session. The wake-up may be lost; nothing may rely on it.
    pub(super) fn wake(&mut self, session: &SessionId) {
        if wakes_others() {
            self.tell(op::Wake(session.clone()));
        }
    }

    /// Hands an order to the run of a lease.
    pub(super) fn run(&mut self, key: &LeaseKey, epoch: Epoch, order: RunOrder) {
        self.out.push(Command::Run(RunCommand { key: key.clone(), epoch, order }));
    }

    /// Hands an event to the observers.
    pub(super) fn notify(&mut self, notice: Notice) {
        self.out.push(Command::Notify(notice));
    }

    pub(super) fn push(&mut self, command: Command) {
        self.out.push(command);
    }

    /// Queues a signal for the other parts. They hear it after the signals queued before, and only
    /// after the present part has returned.
    pub(super) fn signal(&mut self, signal: impl Into<Signal>) {
        self.signals.push_back(signal.into());
    }

    /// Takes the oldest signal.
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

    /// Takes the request of a call: `None` for a second reply, or for a call that was forgotten.
    pub(super) fn take_purpose(&mut self, id: CallId) -> Option<ReplyTo> {
        self.calls.remove(&id)
    }

    /// Forgets the calls and the signals of a planner that exists no more.
    pub(super) fn forget_planner_calls(&mut self) {
        let of_planner =
            |purpose: &ReplyTo| matches!(purpose, ReplyTo::Planner(_) | ReplyTo::Shards(_));
        self.calls.retain(|_, purpose| !of_planner(purpose));
        self.signals.retain(|signal| !matches!(signal, Signal::Planner(_)));
    }

    /// Forgets every call, signal and deadline of a session that is over: they mean nothing to its
    /// successor.
    pub(super) fn forget_calls(&mut self) {
        self.deadlines.clear();
        self.starts.forget_calls();
        self.reads.forget_call();
        self.calls.clear();
        self.signals.clear();
    }

    /// Takes the commands of the present event, in the order in which they were pushed.
    pub(super) fn take_commands(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.out)
    }
}

/// Makes the epochs for acquires (PROTOCOL rule 4). A new epoch is above the row's and above all
/// epochs seen, and not below the store's time. So a store that lost its last writes never gives an
/// epoch twice.
#[derive(Debug, Default)]
pub(super) struct Epochs {
    /// The highest epoch seen or made.
    highest: u64,
    /// The latest store time that is known, in milliseconds, and the worker's time at which it was
    /// known.
    clock: Option<(u64, Time)>,
}

impl Epochs {
    /// Learns from a row. Its epoch was a store time once, so the store's time is at least that.
    pub(super) fn saw(&mut self, row: &Lease, now: Time) {
        self.highest = self.highest.max(row.epoch.0);
        self.is_at_least(row.epoch.0, now);
    }

    /// Learns the store's time from a reply that arrived at `now`.
    pub(super) fn stamped(&mut self, stamp: &Stamp, now: Time) {
        self.clock = self.clock.filter(|_| goes_only_forward());
        self.is_at_least(stamp.at.0, now);
    }

    /// The store's time, in milliseconds; zero before any is known.
    pub(super) fn store_time(&self, now: Time) -> StoreTime {
        StoreTime(self.clock(now))
    }

    /// The latest known store time plus the time that has passed here since. A replica that takes
    /// over may have a clock that is behind: this one never goes back.
    fn clock(&self, now: Time) -> u64 {
        self.clock.map_or(0, |(at, then)| {
            let passed = u64::try_from(now.since(then).as_millis()).unwrap_or(0);
            at.saturating_add(passed)
        })
    }

    /// Learns that the store's time was at least `at` at the worker's time `now`.
    pub(super) fn is_at_least(&mut self, at: u64, now: Time) {
        if at > self.clock(now) {
            self.clock = Some((at, now));
        }
    }

    /// The epoch for an acquire of a row with the epoch `seen`.
    pub(super) fn next(&mut self, seen: Epoch, now: Time) -> Epoch {
        self.highest = (seen.0 + 1).max(self.highest + 1).max(self.clock(now));
        above(seen, Epoch(self.highest))
    }
}

/// Whether sessions that wait are woken.
fn wakes_others() -> bool {
    !planted!(WakeNeverSent)
}

/// Whether the store's clock is believed only where it goes forward.
fn goes_only_forward() -> bool {
    !planted!(EpochsFollowTheClockBack)
}

/// The next epoch: above the row's.
fn above(row: Epoch, all: Epoch) -> Epoch {
    if planted!(NoEpochBump) { row } else { above_all(row, all) }
}

/// The next epoch: above the row's, and above all others that are known.
fn above_all(row: Epoch, all: Epoch) -> Epoch {
    if planted!(EpochFromRowAlone) { Epoch(row.0 + 1) } else { all }
}
