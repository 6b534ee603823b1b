//! One run: a stream, a store, workers, and what happens to them when.
//!
//! The runtime has one thread and a paused clock: time passes only when every task waits. The world
//! is itself a task. It takes the next event from the queue, sleeps until its time, and acts; the
//! workers run meanwhile. A run has four phases: the steps of the plan, the time to settle, a while
//! in which late writes may still arrive, and the leaving of all workers.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use kcl_core::{
    env::{Env, Rng},
    store::LeaseStore,
};
use tokio::time::Instant;

use super::{ActiveFaults, Process, member::Member};
use crate::{
    MemoryServer, MemoryStore, MemoryStream,
    sim::{
        live::{
            ledger::{Book, Broken, Violation},
            plan::{Fault, Plan},
            setup::Setup,
            sink,
        },
        queue::EventQueue,
    },
    stream::StreamOptions,
    virtual_env,
};

/// The application whose leases all workers share.
pub(super) const APPLICATION: &str = "simulated";

/// What a run showed.
pub(in crate::sim::live) struct Played {
    pub(in crate::sim::live) violation: Option<Violation>,
    /// What happened to the records that the violation is about.
    pub(in crate::sim::live) story: Vec<String>,
    /// Everything that happened.
    pub(in crate::sim::live) lines: Vec<String>,
    pub(in crate::sim::live) digest: u64,
    /// Faults that found something to happen to.
    pub(in crate::sim::live) faults: Vec<Fault>,
}

/// Something that will happen.
pub(super) enum SimEvent {
    /// The step of this index in the plan.
    Step(usize),
    /// The record of this number is put into the stream.
    Put(u64),
    /// A process that stood still goes on; for how long its machine was suspended.
    Resume(Process, Duration),
    /// The worker of this number starts: at the beginning, or again after its process ended.
    Restart(usize),
    /// The world reads the lease rows, and the ledger checks them.
    Look,
}

/// How often the world reads the lease rows.
const LOOK: Duration = Duration::from_millis(500);
/// How long a fleet may take to be done once nothing goes wrong any more: planner and standby may
/// both have died, a batch may wait for its next attempt, a handover for its deadline.
const SETTLE: Duration = Duration::from_secs(240);
/// How much longer it is watched after it is done: late writes may still arrive.
const LINGER: Duration = Duration::from_secs(14);
/// How much longer than its grace a worker may take to leave.
const LEAVE: Duration = Duration::from_secs(10);

/// A run under way.
pub(super) struct World<'a> {
    pub(super) setup: &'a Setup,
    pub(super) plan: &'a Plan,
    pub(super) book: Book,
    pub(super) active_faults: ActiveFaults,
    pub(super) env: Env,
    pub(super) stream: MemoryStream,
    pub(super) server: MemoryServer,
    pub(super) sinks: Arc<sink::Store>,
    /// The processes of each worker, the newest last.
    pub(super) fleet: BTreeMap<usize, Vec<Member>>,
    pub(super) rng: Rng,
    pub(super) faults: Vec<Fault>,
    /// What will happen, by time and in the order it was decided.
    sim_events: EventQueue<Duration, SimEvent>,
    /// Every worker was asked to leave: none is started any more.
    leaving: bool,
    /// When the run began, on the runtime's paused clock.
    started: Instant,
}

/// Plays a plan to its end.
#[expect(clippy::expect_used, reason = "a runtime without threads and sockets needs nothing")]
pub(in crate::sim::live) fn play(setup: &Setup, plan: &Plan) -> Played {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let mut world = World::new(setup, plan);
        world.play().await;
        world.over()
    })
}

impl<'a> World<'a> {
    fn new(setup: &'a Setup, plan: &'a Plan) -> Self {
        let env = virtual_env(plan.seed);
        let mut options = StreamOptions::new("simulated");
        (options.shards, options.env) = (plan.shards, env.clone());
        options.reads_per_second = Some(5);
        let book = Book::new(setup.expected.clone(), plan.is_planned());
        let server = MemoryServer::with_clock(Arc::clone(&env.clock));
        let server = if plan.pushes { server } else { server.without_push() };
        Self {
            setup,
            plan,
            book,
            active_faults: ActiveFaults::default(),
            env,
            stream: MemoryStream::with(options),
            server,
            sinks: Arc::default(),
            fleet: BTreeMap::new(),
            rng: Rng::new(plan.seed ^ 0x5eed),
            faults: Vec::new(),
            sim_events: EventQueue::default(),
            leaving: false,
            started: Instant::now(),
        }
    }

    /// Decides what will happen, and when.
    pub(super) fn decide(&mut self, at: Duration, event: SimEvent) {
        self.sim_events.put(at, event);
    }

    pub(super) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    async fn play(&mut self) {
        self.know_shards().await;
        self.write_agenda();
        for slot in 0..self.plan.workers {
            // Not all in one moment.
            let at = self.rng.span(Duration::from_millis(800));
            self.decide(at, SimEvent::Restart(slot));
        }
        self.decide(LOOK, SimEvent::Look);
        let settled = self.settle().await;
        if settled {
            let until = self.now() + LINGER;
            self.go_on(until, |_| false).await;
        }
        self.leave().await;
        let rows = self.rows().await;
        if !self.is_broken() {
            self.book.ledger().check_end(&rows);
        }
    }

    /// When which record is put, and which step taken.
    fn write_agenda(&mut self) {
        for (step, number) in self.plan.steps.iter().zip(0..) {
            self.decide(step.at, SimEvent::Step(number));
        }
        let (records, production) = (self.plan.records, self.plan.production());
        // A quarter is there before anybody reads.
        let backlog = records / 4;
        let pause = u32::try_from((records - backlog).max(1)).unwrap_or(u32::MAX);
        let pause = production / pause;
        let (mut at, mut burst) = (Duration::ZERO, backlog);
        for n in 0..records {
            // They come in bursts, so that batches have several.
            if burst == 0 {
                burst = 1 + self.rng.below(12);
                at += pause * u32::try_from(burst).unwrap_or(1);
            }
            burst -= 1;
            self.decide(at, SimEvent::Put(n));
        }
    }

    /// Lets everything happen that is decided, and then the fleet go on until it is done with
    /// everything. False if it is not.
    async fn settle(&mut self) -> bool {
        let last = self.plan.steps.iter().map(|step| step.at + step.lasts).max();
        let calm = self.plan.production().max(last.unwrap_or_default()) + Duration::from_secs(1);
        self.go_on(calm, |_| false).await;
        // Somebody is always there in the end.
        if self.fleet.values().flatten().all(|member| !member.stays()) {
            self.start(self.fleet.keys().last().map_or(0, |last| last + 1));
        }
        let all = self.plan.records;
        let is_done = |world: &Self| {
            let ledger = world.book.ledger();
            ledger.count() == all && ledger.is_settled()
        };
        self.go_on(calm + SETTLE, is_done).await
    }

    /// Goes on until a time, or until `is_done`; true in that case. Stops at a violation.
    async fn go_on(&mut self, until: Duration, is_done: impl Fn(&Self) -> bool) -> bool {
        while !self.is_broken() {
            if is_done(self) {
                return true;
            }
            if self.sim_events.next_at().is_none() {
                return false;
            }
            let Some((at, event)) = self.sim_events.pop(until) else {
                tokio::time::sleep_until(self.started + until).await;
                return false;
            };
            tokio::time::sleep_until(self.started + at).await;
            self.happen(event).await;
        }
        false
    }

    async fn happen(&mut self, event: SimEvent) {
        match event {
            SimEvent::Step(step) if self.waits(step) => {
                self.decide(self.now() + Duration::from_millis(1), SimEvent::Step(step));
            }
            SimEvent::Step(step) => self.step(step).await,
            SimEvent::Put(number) => self.put(number),
            SimEvent::Resume(process, suspended) => {
                if !process.is_dead() {
                    self.book.ledger().note(process.name(), format!("{} goes on", process.name()));
                }
                process.resume(suspended);
            }
            // Once everybody was asked to leave, nobody is started any more.
            SimEvent::Restart(_) if self.leaving => {}
            SimEvent::Restart(slot) => self.start(slot),
            SimEvent::Look => {
                self.look().await;
                self.decide(self.now() + LOOK, SimEvent::Look);
            }
        }
    }

    async fn look(&mut self) {
        self.reap();
        let rows = self.rows().await;
        self.book.ledger().check_rows(&rows);
    }

    /// Lets every worker leave, and waits until it has.
    async fn leave(&mut self) {
        let grace = self.setup.settings.coordination.shutdown_grace + LEAVE;
        self.leaving = true;
        let names: Vec<usize> = self.fleet.keys().copied().collect();
        for slot in names {
            self.ask_to_leave(slot);
        }
        let until = self.now() + grace;
        let gone = |world: &Self| world.fleet.values().flatten().all(|member| !member.is_up());
        self.go_on(until, gone).await;
        for member in self.fleet.values().flatten() {
            self.book.ledger().asked_to_leave(&member.process, grace);
        }
        // What is on its way to the sink arrives.
        self.go_on(self.now() + Duration::from_secs(5), |_| false).await;
    }

    async fn rows(&self) -> Vec<kcl_core::lease::Lease> {
        let store: MemoryStore = self.server.store(APPLICATION);
        store.leases(None).await.map(|page| page.items).unwrap_or_default()
    }

    fn is_broken(&self) -> bool {
        self.book.ledger().violation().is_some()
    }

    /// What the run showed.
    fn over(mut self) -> Played {
        self.fleet.values().flatten().for_each(|member| member.process.kill());
        let faults: BTreeSet<Fault> = std::mem::take(&mut self.faults).into_iter().collect();
        let expectation = self.setup.verify.as_ref().filter(|_| !self.is_broken());
        if let Some(Err(what)) = expectation.map(|verify| verify(&self.sinks)) {
            self.book.ledger().violate(Broken::Expectation, what, Vec::new());
        }
        let ledger = self.book.ledger();
        let violation = ledger.violation().cloned();
        let about = violation.as_ref().map(|violation| violation.about.clone());
        Played {
            story: ledger.story(&about.unwrap_or_default()),
            lines: ledger.lines(),
            digest: ledger.digest(),
            faults: faults.into_iter().collect(),
            violation,
        }
    }
}
