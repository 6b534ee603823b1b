//! The event heap, and everything on it.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use kcl_core::{
    coordinator::{CallId, Coordinator, Event, StoreCall, StoreOutcome, StoreReply},
    env::{Rng, Time},
    lease::{Lease, LeaseKey, WorkerId, Write},
    store::StoreErrorKind,
};

use super::{
    Action, Report, Script, Violation, facts,
    host::{Host, HostClock, HostState, Slowness},
    intercept::Interceptor,
    oracle::{Fact, Oracle, Settled},
    store::SimStore,
    stream::SimStream,
};

/// Something that will happen.
#[derive(Debug)]
pub(super) enum Happening {
    Step(usize),
    Timer {
        host: usize,
        number: u64,
    },
    /// A call reaches the store; the answer takes so long, if there is one.
    Arrive {
        host: usize,
        id: CallId,
        call: StoreCall,
        reply: Option<Duration>,
        stale: bool,
    },
    /// A call reaches the store once more.
    Again(StoreCall),
    Reply {
        host: usize,
        id: CallId,
        outcome: StoreOutcome,
    },
    Shards {
        host: usize,
    },
    Run {
        host: usize,
        key: LeaseKey,
        ticket: u64,
    },
    Resume {
        host: usize,
    },
    /// A run has news for its coordinator.
    News {
        host: usize,
        event: Box<kcl_core::coordinator::RunEvent>,
    },
}

/// A simulated fleet with its stream and store.
#[derive(Debug)]
pub struct World {
    pub(super) script: Script,
    pub(super) now: Time,
    heap: BinaryHeap<Reverse<(Time, u64)>>,
    happenings: BTreeMap<u64, Happening>,
    sequence: u64,
    pub(super) rng: Rng,
    pub(super) store: SimStore,
    pub(super) stream: SimStream,
    pub(super) hosts: Vec<Host>,
    pub(super) outage_until: Time,
    pub(super) slow: (Time, Duration),
    pub(super) oracle: Oracle,
    pub(super) report: Report,
    pub(super) tracing: bool,
    pub(super) interceptors: Vec<Interceptor>,
    started: bool,
    standstill: u64,
    digest: DefaultHasher,
}

/// Events at one instant, at most: beyond, a coordinator asks to be called again and again.
const STANDSTILL_MAX: u64 = 20_000;

/// Workers at once, at most.
const HOSTS_MAX: usize = 24;

impl World {
    /// A fleet about to play `script`.
    #[must_use]
    pub fn new(script: Script) -> Self {
        Self {
            now: Time::ZERO,
            heap: BinaryHeap::new(),
            happenings: BTreeMap::new(),
            sequence: 0,
            rng: Rng::new(script.seed),
            store: SimStore::new(script.network.staleness),
            stream: SimStream::new(script.shards, script.rate),
            hosts: Vec::new(),
            outage_until: Time::ZERO,
            slow: (Time::ZERO, Duration::ZERO),
            oracle: Oracle::new(),
            report: Report::default(),
            tracing: false,
            interceptors: Vec::new(),
            started: false,
            standstill: 0,
            digest: DefaultHasher::new(),
            script,
        }
    }

    /// The same, keeping a trace of what happens.
    #[must_use]
    pub const fn traced(mut self) -> Self {
        self.tracing = true;
        self
    }

    /// Plays the script to its end.
    ///
    /// # Errors
    /// The first violation of an invariant.
    pub fn play(mut self) -> Result<Report, Violation> {
        self.run().map(|()| self.into_report())
    }

    /// Plays the script and gives the report also when an invariant is broken.
    pub fn play_explained(mut self) -> (Report, Option<Violation>) {
        let violation = self.run().err();
        (self.into_report(), violation)
    }

    fn run(&mut self) -> Result<(), Violation> {
        self.start();
        let mut end = Duration::ZERO;
        for (at, step) in self.script.steps.clone().into_iter().enumerate() {
            self.at(Time::ZERO + step.at, Happening::Step(at));
            end = end.max(step.at + step.action.lasts());
        }
        let quiet = Time::ZERO + end + self.script.settle * 3 / 4;
        self.run_until(Time::ZERO + end + self.script.settle)?;
        self.check_settled(quiet)
    }

    /// Starts the workers the script begins with, once.
    pub(super) fn start(&mut self) {
        if !std::mem::replace(&mut self.started, true) {
            for worker in 0..self.script.workers {
                self.start_host(worker);
            }
        }
    }

    /// Lets everything happen that is due until `end`.
    pub(super) fn run_until(&mut self, end: Time) -> Result<(), Violation> {
        while let Some(Reverse((at, sequence))) = self.heap.peek().copied() {
            if at > end {
                break;
            }
            self.heap.pop();
            self.standstill = if at == self.now { self.standstill + 1 } else { 0 };
            self.now = at;
            self.report.events += 1;
            if self.standstill > STANDSTILL_MAX {
                let what = format!("{} events at one instant", self.standstill);
                return Err(Violation { invariant: "time goes on", at, what });
            }
            if let Some(happening) = self.happenings.remove(&sequence) {
                self.happen(happening)?;
            }
        }
        self.now = end;
        Ok(())
    }

    /// Checks what must hold once the fleet has had time to settle.
    pub(super) fn check_settled(&mut self, quiet_since: Time) -> Result<(), Violation> {
        let settled = self.settled(quiet_since);
        self.learn(&Fact::Settled(&settled))
    }

    pub(super) fn into_report(mut self) -> Report {
        self.report.lasted = self.now;
        self.report.processed = self.oracle.processed;
        self.report.duplicates = self.oracle.duplicates;
        self.report.acquires = self.oracle.acquires;
        self.report.digest = self.digest.finish();
        for host in self.hosts.iter().filter(|host| host.is_up()) {
            let held = host.coordinator.held().count();
            self.report.held.insert(host.worker.to_string(), held);
        }
        self.report
    }

    pub(super) fn at(&mut self, at: Time, happening: Happening) {
        self.sequence += 1;
        self.heap.push(Reverse((at.max(self.now), self.sequence)));
        self.happenings.insert(self.sequence, happening);
    }

    pub(super) fn learn(&mut self, fact: &Fact<'_>) -> Result<(), Violation> {
        self.oracle.learn(self.now, fact)
    }

    pub(super) fn note(&mut self, text: impl FnOnce() -> String) {
        if self.tracing {
            let line = format!("{} {}", self.now, text());
            self.report.trace.push(line);
        }
    }

    fn happen(&mut self, happening: Happening) -> Result<(), Violation> {
        self.digest.write_u64(self.now.as_micros());
        match happening {
            Happening::Step(at) => {
                let action = self.script.steps.get(at).map(|step| step.action.clone());
                action.map_or(Ok(()), |action| self.act(&action))
            }
            Happening::Timer { host, number } => {
                let current = self.hosts.get_mut(host).filter(|h| h.timer == number);
                let Some(current) = current else { return Ok(()) };
                current.timer_at = Time::NEVER;
                self.deliver(host, Event::Tick)
            }
            Happening::Arrive { host, id, call, reply, stale } => {
                self.arrive(host, id, &call, reply, stale)
            }
            Happening::Again(call) => self.apply(&call, false).map(drop),
            Happening::Reply { host, id, outcome } => {
                if outcome.is_ok()
                    && self.hosts.get(host).is_some_and(|h| self.now < h.replies_cut_until)
                {
                    let outcome = Err(StoreErrorKind::Unknown);
                    let at = self.now + self.script.network.deadline;
                    self.at(at, Happening::Reply { host, id, outcome });
                    return Ok(());
                }
                self.deliver(host, Event::Store(id, outcome))
            }
            Happening::Shards { host } => {
                let view = self.stream.view(self.now);
                self.deliver(host, Event::Shards(Ok(view)))
            }
            Happening::Run { host, key, ticket } => self.step_run(host, &key, ticket),
            Happening::Resume { host } => self.resume(host),
            Happening::News { host, event } => self.deliver(host, Event::Run(*event)),
        }
    }

    /// A process hears of something; if it stands still, later.
    pub(super) fn deliver(&mut self, at: usize, event: Event) -> Result<(), Violation> {
        let now = self.now;
        let Some(host) = self.hosts.get_mut(at).filter(|host| host.is_up()) else { return Ok(()) };
        if host.is_paused(now) {
            host.inbox.push(event);
            return Ok(());
        }
        let local = host.clock.local(now);
        let commands = host.coordinator.handle(local, event);
        for command in commands {
            self.execute(at, command)?;
        }
        self.set_timer(at);
        Ok(())
    }

    fn set_timer(&mut self, at: usize) {
        let Some(host) = self.hosts.get_mut(at).filter(|host| host.is_up()) else { return };
        let due = host.clock.global(host.coordinator.next_wake());
        if due == Time::NEVER || due == host.timer_at {
            return;
        }
        host.timer += 1;
        host.timer_at = due;
        let number = host.timer;
        self.at(due, Happening::Timer { host: at, number });
    }

    fn resume(&mut self, at: usize) -> Result<(), Violation> {
        let now = self.now;
        let Some(host) = self.hosts.get_mut(at).filter(|h| h.is_up() && !h.is_paused(now)) else {
            return Ok(());
        };
        host.paused_until = None;
        host.timer_at = Time::NEVER;
        let inbox = std::mem::take(&mut host.inbox);
        let worker = host.worker.clone();
        self.note(|| format!("{worker} goes on"));
        self.deliver(at, Event::Tick)?;
        for event in inbox {
            self.deliver(at, event)?;
        }
        Ok(())
    }

    /// A call reaches the store.
    fn arrive(
        &mut self,
        host: usize,
        id: CallId,
        call: &StoreCall,
        reply: Option<Duration>,
        stale: bool,
    ) -> Result<(), Violation> {
        if self.now < self.outage_until {
            let at = self.now + self.script.network.deadline;
            let outcome = Err(StoreErrorKind::Unknown);
            if reply.is_some() {
                self.at(at, Happening::Reply { host, id, outcome });
            }
            return Ok(());
        }
        let answer = self.apply(call, stale)?;
        if let Some(takes) = reply {
            self.at(self.now + takes, Happening::Reply { host, id, outcome: Ok(answer) });
        }
        Ok(())
    }

    pub(super) fn apply(&mut self, call: &StoreCall, stale: bool) -> Result<StoreReply, Violation> {
        let session = facts::session_id(call).cloned();
        let earlier = session.as_ref().and_then(|id| self.store.rows.sessions.get(id).cloned());
        let key = lease_key(call).cloned();
        let before = key.as_ref().and_then(|key| self.store.rows.leases.get(key).cloned());
        let answer = self.store.apply(call, self.now, stale);
        if let (StoreCall::PutDoc(_), StoreReply::DocWrite(Write::Done(doc))) = (call, &answer) {
            self.oracle.learn(self.now, &Fact::Document(doc))?;
        }
        if let Some(key) = key {
            let after = self.store.rows.leases.get(&key).cloned();
            if before != after {
                self.note(|| format!("{} {key}: {}", call.name(), show(after.as_ref())));
                format!("{after:?}").hash(&mut self.digest);
                let (before, after) = (before.as_ref(), after.as_ref());
                self.oracle.learn(self.now, &Fact::Lease { call, before, after })?;
                self.learn_of_lease(call, before, after)?;
            }
        }
        if let Some(id) = session {
            let (before, after) = (earlier.as_ref(), self.store.rows.sessions.get(&id));
            if before != after {
                let fact = Fact::Session { at: self.now, call, before, after };
                self.oracle.learn(self.now, &fact)?;
            }
        }
        Ok(answer)
    }

    pub(super) fn start_host(&mut self, name: usize) {
        if self.hosts.len() >= HOSTS_MAX {
            return;
        }
        let at = self.hosts.len();
        let clock = HostClock::from_rng(&mut self.rng);
        #[expect(clippy::expect_used, reason = "the name is made of digits and letters")]
        let worker: WorkerId = format!("w{name}").parse().expect("a valid worker id");
        let local = clock.local(self.now);
        let seed = self.rng.next_u64();
        let settings = self.script.settings.clone();
        self.hosts.push(Host {
            coordinator: Coordinator::new(worker.clone(), settings, local, seed),
            worker,
            runs: BTreeMap::new(),
            clock,
            valid_until: Time::ZERO,
            paused_until: None,
            inbox: Vec::new(),
            requests_cut_until: Time::ZERO,
            replies_cut_until: Time::ZERO,
            slow: Slowness::default(),
            batch_takes: Duration::from_millis(20 + self.rng.below(200)),
            state: HostState::Up,
            timer: 0,
            timer_at: Time::NEVER,
        });
        let soon = self.now + Duration::from_millis(self.rng.below(200));
        self.at(soon, Happening::Timer { host: at, number: 0 });
    }

    pub(super) fn act(&mut self, action: &Action) -> Result<(), Violation> {
        self.note(|| format!("--- {action:?}"));
        if action.may_overlap() {
            self.oracle.allow_overlap();
        }
        self.perform(action)
    }

    /// A process that is up, by any number.
    pub(super) fn pick(&self, which: usize) -> Option<usize> {
        let up: Vec<usize> =
            (0..self.hosts.len()).filter(|at| self.hosts[*at].state == HostState::Up).collect();
        if up.is_empty() { None } else { up.get(which % up.len()).copied() }
    }

    pub(super) fn send(&mut self, at: usize, id: CallId, call: StoreCall) {
        *self.report.calls.entry(call.name()).or_default() += 1;
        if self.is_intercepted(at, id, &call) {
            return;
        }
        let network = self.script.network.clone();
        let mut trip = network.trip(&mut self.rng);
        let Some(host) = self.hosts.get(at) else { return };
        if self.now < host.requests_cut_until {
            trip.applied = None;
        }
        let extra = if self.now < self.slow.0 { self.slow.1 } else { Duration::ZERO };
        let applied = trip.applied.map(|takes| takes + extra);
        let answered = match (applied, trip.reply) {
            (Some(there), Some(back)) if there + back <= network.deadline => Some(back),
            _ => None,
        };
        if answered.is_none() {
            let outcome = Err(StoreErrorKind::Unknown);
            let give_up = self.now + network.deadline;
            self.at(give_up, Happening::Reply { host: at, id, outcome });
        }
        if let Some(later) = trip.again {
            self.at(self.now + later, Happening::Again(call.clone()));
        }
        if let Some(there) = applied {
            let stale = trip.stale;
            let arrive = Happening::Arrive { host: at, id, call, reply: answered, stale };
            self.at(self.now + there, arrive);
        }
    }

    fn settled(&self, quiet_since: Time) -> Settled {
        let up = self.hosts.iter().filter(|host| host.state == HostState::Up);
        let running = up.map(|host| {
            let runs = host
                .runs
                .values()
                .filter(|run| !run.ended)
                .map(|run| (run.shard.clone(), (run.epoch, run.done)));
            (host.worker.clone(), runs.collect())
        });
        let shards =
            self.stream.shards.keys().map(|id| {
                (id.clone(), (self.stream.count(id, self.now), !self.stream.is_closed(id)))
            });
        Settled {
            leases: self.store.rows.leases.clone(),
            running: running.collect(),
            shards: shards.collect(),
            slack: self.script.rate / 100 * 4 + 4,
            last_change: self.oracle.last_change,
            quiet_since,
        }
    }
}

fn lease_key(call: &StoreCall) -> Option<&LeaseKey> {
    match call {
        StoreCall::Create(row) => Some(&row.key),
        StoreCall::Acquire(acquire) => Some(&acquire.key),
        StoreCall::Advance(advance) => Some(&advance.key),
        StoreCall::Release(release) => Some(&release.key),
        StoreCall::Delete(delete) => Some(&delete.key),
        _ => None,
    }
}

fn show(row: Option<&Lease>) -> String {
    let Some(row) = row else { return "gone".into() };
    let owner = row.owner.as_ref().map_or_else(|| "-".into(), ToString::to_string);
    format!("{owner} epoch {} at {}", row.epoch.0 % 10_000_000, row.checkpoint)
}
