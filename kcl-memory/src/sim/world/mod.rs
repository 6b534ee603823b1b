//! The first simulator: plays a script, one event after the other.
//!
//! Time jumps from event to event. [`World::step`] takes the earliest event; most reach a host,
//! whose coordinator handles them at the host's own local time. Its commands are executed at once:
//! a store call travels by the [`Network`](super::Network) and comes back as an event; a run of a
//! lease is modelled as batches that take a while. Nothing waits, and nothing runs side by side.
//! Every change of a row, dispatch and end is told to the oracle, whose first violation ends it.
//!
//! | files | |
//! |---|---|
//! | `host`, `run`, `gates`, `active_faults`, `rulebook`, `commands`, `interceptor` | what there is now |
//! | `sim_events`, `past`, `digest` | what will happen, and what has |
//! | `telling` | which calls only tell what happens |
//! | all others | what is done with that: parts of `impl World` |

mod act;
mod active_faults;
mod calls;
mod commands;
mod digest;
mod facts;
mod gates;
mod host;
mod interceptor;
mod interventions;
mod look;
mod marks;
mod operator;
mod past;
mod placement;
mod processes;
mod rulebook;
mod run;
mod runs;
mod settle;
mod sim_events;
mod start;
mod streams;
mod telling;
mod weights;

use std::time::Duration;

use kcl_core::{coordinator::Event, env::Time, stream::SourceErrorKind};

pub use self::interceptor::{Fate, InterceptorId};
use self::{
    active_faults::ActiveFaults,
    commands::Operator,
    digest::Digest,
    host::Host,
    interceptor::Interceptor,
    past::Past,
    rulebook::Rulebook,
    sim_events::{SimEvent, SimEvents},
};
use super::{
    Report, Script, Timeline, Violation, fact::Fact, oracle::Oracle, script::Ending,
    store::SimStore, stream::SimStream,
};

/// A simulated fleet with its stream and store.
#[derive(Debug)]
pub struct World {
    script: Script,
    /// The true time; each host's clock shows another one.
    now: Time,
    /// No event after this time happens. A calm run knows it only once the calm has begun.
    end: Time,
    sim_events: SimEvents,
    store: SimStore,
    stream: SimStream,
    /// All processes that were ever started; those that ended keep their index.
    hosts: Vec<Host>,
    /// The next unused number in a worker's id.
    next_worker: usize,
    active_faults: ActiveFaults,
    placement: Rulebook,
    operator: Operator,
    past: Past,
    oracle: Oracle,
    report: Report,
    /// Whether the report gets a line for each event.
    tracing: bool,
    /// `Some` if a recording was asked for.
    timeline: Option<Timeline>,
    /// Set by tests that play by hand: see `interventions`.
    interceptors: Vec<Interceptor>,
    /// The workers that the script begins with have been started.
    started: bool,
    /// Events at the present instant, beyond the first.
    standstill: u64,
    digest: Digest,
}

/// Events at one instant, at most: beyond, a coordinator asks to be called again and again.
const STANDSTILL_MAX: u64 = 20_000;

impl World {
    /// A fleet about to play `script`.
    #[must_use]
    pub fn new(script: Script) -> Self {
        Self {
            now: Time::ZERO,
            end: Time::NEVER,
            sim_events: SimEvents::default(),
            store: SimStore::new(script.network.staleness),
            stream: SimStream::new(
                if script.has_two_streams() { 2 } else { 1 },
                script.shards,
                script.rate,
                script.skew,
            ),
            hosts: Vec::new(),
            next_worker: 0,
            active_faults: ActiveFaults::default(),
            placement: Rulebook::default(),
            operator: Operator::default(),
            past: Past::default(),
            oracle: Oracle::new(script.drift),
            report: Report::default(),
            tracing: false,
            timeline: None,
            interceptors: Vec::new(),
            started: false,
            standstill: 0,
            digest: Digest::default(),
            script,
        }
    }

    /// The same, keeping a trace of what happens.
    #[must_use]
    pub const fn traced(mut self) -> Self {
        self.tracing = true;
        self
    }

    /// The same, recording who holds what: for [`Report::timeline`].
    #[must_use]
    pub fn recorded(mut self) -> Self {
        self.timeline = Some(Timeline::default());
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
        for (at, step) in self.script.steps.iter().enumerate() {
            self.sim_events.put(Time::ZERO + step.at, SimEvent::Step(at));
        }
        let last = self.script.steps.iter().map(|step| step.at).max().unwrap_or_default();
        match self.script.ending {
            Ending::Abrupt => self.end = Time::ZERO + last + self.script.settle,
            // The end is known when it is calm.
            Ending::Calm => self.put(Time::ZERO + self.script.faults_end(), SimEvent::Calm),
        }
        while self.step()? {}
        self.now = self.end;
        match self.script.ending {
            Ending::Abrupt => Ok(()),
            Ending::Calm => self.check_settled(),
        }
    }

    /// Starts the workers the script begins with, once.
    fn start(&mut self) {
        if !std::mem::replace(&mut self.started, true) {
            for _ in 0..self.script.workers {
                self.start_new_host(false, 0);
            }
        }
    }

    /// Lets everything happen that is due until `end`.
    fn run_until(&mut self, end: Time) -> Result<(), Violation> {
        self.end = end;
        while self.step()? {}
        self.now = end;
        Ok(())
    }

    /// Lets the next thing happen; false if the end comes before it.
    fn step(&mut self) -> Result<bool, Violation> {
        let Some((at, event)) = self.sim_events.pop(self.end) else { return Ok(false) };
        self.standstill = if at == self.now { self.standstill + 1 } else { 0 };
        self.now = at;
        self.report.events += 1;
        if self.standstill > STANDSTILL_MAX {
            let what = format!("{} events at one instant", self.standstill);
            return Err(Violation { invariant: "time goes on", at, what });
        }
        self.happen(event)?;
        Ok(true)
    }

    fn into_report(mut self) -> Report {
        self.report.lasted = self.now;
        self.report.processed = self.oracle.processed;
        self.report.duplicates = self.oracle.duplicates;
        self.report.acquires = self.oracle.acquires;
        self.report.digest = self.digest.finish();
        for host in self.hosts.iter().filter(|host| host.is_up()) {
            let held = host.coordinator.held().count();
            self.report.held.insert(host.worker.to_string(), held);
            self.report.worker_time += self.now.since(host.since);
        }
        self.report.timeline = self.timeline.map(|timeline| timeline.closed(self.now));
        self.report
    }

    fn put(&mut self, at: Time, event: SimEvent) {
        self.sim_events.put(at.max(self.now), event);
    }

    fn learn(&mut self, fact: &Fact<'_>) -> Result<(), Violation> {
        self.oracle.learn(self.now, fact)
    }

    fn note(&mut self, text: impl FnOnce() -> String) {
        if self.tracing {
            let line = format!("{} {}", self.now, text());
            self.report.trace.push(line);
        }
    }

    fn happen(&mut self, event: SimEvent) -> Result<(), Violation> {
        self.digest.add(self.now.as_micros() << 4 | event.code());
        self.digest.add(event.whose());
        match event {
            SimEvent::Step(at) => {
                let action = self.script.steps.get(at).map(|step| step.action);
                action.map_or(Ok(()), |action| self.act(&action))
            }
            SimEvent::Start { worker, changed, reads } => {
                self.start_host(worker, changed, reads);
                Ok(())
            }
            SimEvent::Replace { host } => self.replace(host),
            SimEvent::Calm => {
                self.become_calm();
                Ok(())
            }
            SimEvent::Due => self.check_due(),
            SimEvent::Timer { host, number } => self.on_timer(host, number),
            SimEvent::Arrive { host, id, call, reply, stale } => {
                self.arrive(host, id, &call, reply, stale)
            }
            SimEvent::Again(call) => self.apply(&call, false).map(drop),
            SimEvent::Reply { host, id, outcome } => {
                if outcome.is_ok() && self.is_reply_cut(host) {
                    self.give_up(host, id);
                    return Ok(());
                }
                self.deliver(host, Event::Store(id, *outcome))
            }
            SimEvent::Described { host, id } => {
                let described = if self.reaches_stream(host) {
                    Ok(self.stream.describe(self.hosts[host].reads, self.now))
                } else {
                    self.count_fault("stream-unreachable");
                    Err(SourceErrorKind::Unavailable)
                };
                self.deliver(host, Event::Described(id, described))
            }
            SimEvent::Shards { host, id, then, pages } => {
                let listed = if self.reaches_stream(host) {
                    let reads = self.hosts[host].reads;
                    self.stream.listed(reads, *then, pages, self.now)
                } else {
                    self.count_fault("stream-unreachable");
                    Err(SourceErrorKind::Unavailable)
                };
                self.deliver(host, Event::Shards(id, listed))
            }
            SimEvent::Pushes { host } => self.deliver(host, Event::Pushes(true)),
            SimEvent::Woken { host } => self.deliver(host, Event::Woken),
            SimEvent::Run { host, shard, ticket } => self.step_run(host, shard, ticket),
            SimEvent::Resume { host } => self.resume(host),
            SimEvent::Command { command, news } => self.on_command(command, *news),
            SimEvent::News { host, event } => self.deliver(host, Event::Run(*event)),
            SimEvent::Measured { host, report } => self.deliver(host, Event::Measured(report)),
        }
    }

    /// A process hears of something; if it stands still, later.
    fn deliver(&mut self, at: usize, event: Event) -> Result<(), Violation> {
        let now = self.now;
        let Some(host) = self.hosts.get_mut(at).filter(|host| host.is_up()) else { return Ok(()) };
        if host.stands_still(now).is_some() {
            host.inbox.push(event);
            return Ok(());
        }
        let event = match event {
            Event::Run(event) => match self.stream.number(&event.key) {
                Some(no) => Event::Run(host.with_all_progress(no, event)),
                None => Event::Run(event),
            },
            other => other,
        };
        let local = host.clock.local(now);
        let commands = host.coordinator.handle(local, event);
        for command in commands {
            self.execute(at, command)?;
        }
        self.set_timer(at);
        Ok(())
    }

    /// A timer that is due later than the one that is set is set when that one goes off.
    fn set_timer(&mut self, at: usize) {
        let now = self.now;
        let Some(host) = self.hosts.get_mut(at).filter(|host| host.is_up()) else { return };
        let due = host.clock.global(host.coordinator.next_wake()).max(now);
        if due == Time::NEVER || due >= host.timer_at {
            return;
        }
        host.timer += 1;
        host.timer_at = due;
        let number = host.timer;
        self.put(due, SimEvent::Timer { host: at, number });
    }

    fn on_timer(&mut self, at: usize, number: u64) -> Result<(), Violation> {
        let now = self.now;
        let Some(host) = self.hosts.get_mut(at).filter(|host| host.timer == number) else {
            return Ok(());
        };
        if host.stands_still(now).is_some() {
            // It goes off when the process goes on: see `resume`.
            return Ok(());
        }
        host.timer_at = Time::NEVER;
        if host.clock.global(host.coordinator.next_wake()) > now {
            self.set_timer(at);
            return Ok(());
        }
        self.deliver(at, Event::Tick)
    }

    /// A fault took effect.
    fn count_fault(&mut self, kind: &'static str) {
        *self.report.faults.entry(kind).or_default() += 1;
    }

    /// How long the run has gone on since `then`.
    fn since(&self, then: Time) -> Duration {
        self.now.since(then)
    }
}
