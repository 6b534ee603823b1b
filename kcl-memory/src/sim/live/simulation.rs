//! The test of a user's processor.

use std::{collections::BTreeMap, fmt, future::Future, ops::Range, sync::Arc};

use bytes::Bytes;
use kcl_core::{
    processor::{ProcessorError, ProcessorFactory, RecordBatch, from_batches},
    settings::{ProgressMode, Settings},
    stream::Record,
};

use super::{
    Broken, Failure, Fault, Plan, Sink, Summary,
    fleet::{Played, play},
    ledger::{Expected, Order, Violation},
    plan::{Scale, shrink},
    replay,
    setup::Setup,
};

/// A test of a record processor: a fleet of whole workers runs it on virtual time, over and over,
/// and each time something else goes wrong. See the [module](crate::sim::live) for an example.
///
/// Unless told otherwise: three workers, eight shards, 400 records, every [`Fault`], twenty seeds;
/// and what is expected is that no record is skipped and that records have their first effects in
/// the order of their shard.
#[derive(Clone)]
#[must_use = "nothing runs before check() or run()"]
pub struct Simulation {
    make: Arc<dyn Fn(Sink) -> Box<dyn ProcessorFactory> + Send + Sync>,
    settings: Settings,
    produce: Arc<dyn Fn(u64) -> (String, Bytes) + Send + Sync>,
    matters: Arc<dyn Fn(&Record) -> bool + Send + Sync>,
    verify: Option<super::setup::Verify>,
    order: Order,
    exactly_once: bool,
    no_stale_writes: bool,
    by_batch: bool,
    scale: Scale,
    seeds: Range<u64>,
    plan: Option<String>,
}

impl Simulation {
    /// A test of the processors that `make` makes a factory of: once for each process that starts,
    /// with the sink as that process sees it.
    pub fn new<F: ProcessorFactory>(make: impl Fn(Sink) -> F + Send + Sync + 'static) -> Self {
        let scale = Scale { workers: 3, shards: 8, records: 400, faults: Fault::ALL.to_vec() };
        Self {
            make: Arc::new(move |sink| Box::new(make(sink))),
            settings: Settings::default(),
            produce: Arc::new(|n| (format!("key-{}", n % 32), Bytes::from(format!("record {n}")))),
            matters: Arc::new(|_| true),
            verify: None,
            order: Order::Shard,
            exactly_once: false,
            no_stale_writes: false,
            by_batch: false,
            scale,
            seeds: 0..20,
            plan: None,
        }
    }

    /// A test of an async closure that is given every batch.
    pub fn for_each_batch<F, R>(work: F) -> Self
    where
        F: Fn(Sink, RecordBatch) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Result<(), ProcessorError>> + Send + 'static,
    {
        let make = move |sink: Sink| {
            let work = work.clone();
            from_batches(move |batch| work(sink.clone(), batch))
        };
        Self { by_batch: true, ..Self::new(make) }
    }

    /// How many workers start at the beginning; by faults there may come to be more.
    pub const fn workers(mut self, workers: usize) -> Self {
        self.scale.workers = workers;
        self
    }

    /// How many shards the stream starts with.
    pub const fn shards(mut self, shards: u32) -> Self {
        self.scale.shards = shards;
        self
    }

    /// How many records are put.
    pub const fn records(mut self, records: u64) -> Self {
        self.scale.records = records;
        self
    }

    /// What the records are: partition key and payload of the `n`th, counted from zero. A sink that
    /// is told neither record nor position names the record by this number.
    pub fn produce<K: Into<String>, D: Into<Bytes>>(
        mut self,
        record: impl Fn(u64) -> (K, D) + Send + Sync + 'static,
    ) -> Self {
        self.produce = Arc::new(move |n| {
            let (key, data) = record(n);
            (key.into(), data.into())
        });
        self
    }

    /// The workers' settings.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Only these things happen. Which of them do, and when, each seed draws.
    pub fn faults(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.scale.faults = faults.into_iter().collect();
        self
    }

    /// These things do not happen.
    pub fn without(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        for fault in faults {
            self.scale.faults.retain(|kept| *kept != fault);
        }
        self
    }

    /// Which seeds are played. `KCL_SEEDS=1000` in the environment plays so many from the first on.
    pub const fn seeds(mut self, seeds: Range<u64>) -> Self {
        self.seeds = seeds;
        self
    }

    /// Plays this plan, and no seeds: what a failure told, kept as a test of its own.
    pub fn plan(mut self, plan: &str) -> Self {
        self.plan = Some(plan.to_owned());
        self
    }

    /// Records have their effects in the order of their partition key only: for processors that
    /// work on several keys side by side.
    pub const fn ordered_by_key(mut self) -> Self {
        self.order = Order::Key;
        self
    }

    /// Records have their effects in any order.
    pub const fn unordered(mut self) -> Self {
        self.order = Order::Any;
        self
    }

    /// No record has its effect twice: for sinks that remember what they did, by a key
    /// ([`Sink::write_once`]) or in a way of their own ([`Sink::note`]).
    pub const fn exactly_once(mut self) -> Self {
        self.exactly_once = true;
        self
    }

    /// No owner of a shard has an effect after its successor had one: for sinks that compare
    /// fencing tokens ([`Sink::write_fenced`]). Without such a sink this does not hold: a write may
    /// be on its way for longer than the worker that sent it is alive.
    pub const fn no_stale_writes(mut self) -> Self {
        self.no_stale_writes = true;
        self
    }

    /// Records for which this is false need no effect: those that the processor passes over.
    pub fn only(mut self, matters: impl Fn(&Record) -> bool + Send + Sync + 'static) -> Self {
        self.matters = Arc::new(matters);
        self
    }

    /// What else has to hold at the end of a run, of what processors shared by
    /// [`Sink::shared::<T>`](Sink::shared).
    pub fn verify<T, E>(
        mut self,
        verify: impl Fn(&T) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self
    where
        T: Default + Send + Sync + 'static,
        E: fmt::Display,
    {
        self.verify = Some(Arc::new(move |store| {
            verify(&store.shared::<T>()).map_err(|error| error.to_string())
        }));
        self
    }

    /// Plays every seed.
    ///
    /// # Panics
    /// At the first failure, with all that is known of it; and when called inside a tokio runtime:
    /// a simulation makes its own, so it wants a plain `#[test]`.
    #[track_caller]
    #[expect(clippy::panic, reason = "a failed expectation fails the test")]
    pub fn check(&self) {
        if let Err(failure) = self.run() {
            panic!("{failure}");
        }
    }

    /// Plays every seed, and tells what they showed.
    ///
    /// # Errors
    /// The first failure, with the shortest plan that shows it.
    ///
    /// # Panics
    /// When called inside a tokio runtime.
    pub fn run(&self) -> Result<Summary, Box<Failure>> {
        assert!(
            tokio::runtime::Handle::try_current().is_err(),
            "a simulation makes its own runtime: call it from a plain #[test], not #[tokio::test]"
        );
        let mut summary = Summary::default();
        let setup = self.setup();
        match self.given() {
            Some(Ok(plan)) => self.play_once(&setup, plan, &mut summary)?,
            Some(Err(error)) => return Err(self.unplayable(error)),
            None => {
                let seeds = match replay::seeds() {
                    None => self.seeds.clone(),
                    Some(Ok(count)) => self.seeds.start..self.seeds.start.saturating_add(count),
                    Some(Err(error)) => return Err(self.unplayable(error)),
                };
                for seed in seeds {
                    self.play_seed(&setup, seed, &mut summary)?;
                }
            }
        }
        Ok(summary)
    }

    /// The one plan to play, if there is one.
    fn given(&self) -> Option<Result<Plan, String>> {
        let kept = || self.plan.as_ref().map(|text| text.parse().map_err(|e| format!("{e}")));
        replay::plan().or_else(kept)
    }

    fn setup(&self) -> Setup {
        let manual = self.settings.delivery.progress == ProgressMode::Manual;
        let expected = Expected {
            order: self.order,
            exactly_once: self.exactly_once,
            no_stale_writes: self.no_stale_writes,
            matters: Arc::clone(&self.matters),
            acknowledged_by_batch: self.by_batch && !manual,
            manual,
            byte_budget: self.settings.delivery.byte_budget,
        };
        Setup {
            make: Arc::clone(&self.make),
            settings: self.settings.clone(),
            produce: Arc::clone(&self.produce),
            expected,
            verify: self.verify.clone(),
        }
    }

    fn play_seed(
        &self,
        setup: &Setup,
        seed: u64,
        summary: &mut Summary,
    ) -> Result<(), Box<Failure>> {
        let plan = Plan::draw(seed, &self.scale);
        let played = play(setup, &plan);
        summary.count(&plan, &played.faults);
        let twice = seed.is_multiple_of(TWICE);
        let played = if twice { repeated(setup, &plan, played) } else { played };
        let Some(violation) = &played.violation else { return Ok(()) };
        let (broken, steps) = (violation.broken, plan.steps.len());
        let fails = |plan: &Plan| {
            let violation = play(setup, plan).violation;
            violation.is_some_and(|violation| violation.broken == broken)
        };
        let (plan, played) = match broken {
            // No run says what another one will do.
            Broken::NotRepeatable | Broken::Settings => (plan, played),
            _ => {
                let plan = shrink(plan, fails);
                let played = play(setup, &plan);
                (plan, played)
            }
        };
        Err(Box::new(failure(plan, played, Some(steps))))
    }

    fn play_once(
        &self,
        setup: &Setup,
        plan: Plan,
        summary: &mut Summary,
    ) -> Result<(), Box<Failure>> {
        let played = play(setup, &plan);
        summary.count(&plan, &played.faults);
        let played = repeated(setup, &plan, played);
        if played.violation.is_none() { Ok(()) } else { Err(Box::new(failure(plan, played, None))) }
    }

    fn unplayable(&self, what: String) -> Box<Failure> {
        let violation = Violation { broken: Broken::Settings, what, about: Vec::new() };
        let (story, lines, faults) = (Vec::new(), Vec::new(), Vec::new());
        let played = Played { violation: Some(violation), story, lines, digest: 0, faults };
        Box::new(failure(Plan::draw(self.seeds.start, &self.scale), played, None))
    }
}

/// Of how many seeds one is played twice.
const TWICE: u64 = 100;

/// Plays a plan once more: the same must happen.
fn repeated(setup: &Setup, plan: &Plan, first: Played) -> Played {
    let second = play(setup, plan);
    if second.digest == first.digest {
        return first;
    }
    let mut pairs = first.lines.iter().zip(&second.lines);
    let differs = pairs.find(|(one, other)| one != other);
    let (one, other) = differs.map_or(("its end", "its end"), |(one, other)| (one, other));
    let what = format!(
        "two runs of one plan differ: something in the processor depends on chance, the machine's \
         clock, the order of a HashMap, a thread, or state that outlives a run.\n  once: {one}\n  \
         then: {other}"
    );
    let violation = Violation { broken: Broken::NotRepeatable, what, about: Vec::new() };
    Played { violation: Some(violation), ..first }
}

/// What is told of a run that failed. `drawn` is how many steps the plan had before it was shrunk,
/// if it was drawn.
fn failure(plan: Plan, played: Played, drawn: Option<usize>) -> Failure {
    let nothing = || Violation {
        broken: Broken::NotRepeatable,
        what: "a run failed, and did not fail again".to_owned(),
        about: Vec::new(),
    };
    let violation = played.violation.unwrap_or_else(nothing);
    let (file, command) = replay::keep(&plan);
    Failure {
        broken: violation.broken,
        what: violation.what,
        story: played.story,
        seed: plan.seed,
        steps: drawn.unwrap_or(plan.steps.len()),
        plan,
        file,
        command,
        log: played.lines,
        replayed: drawn.is_none(),
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation")
            .field("scale", &self.scale)
            .field("seeds", &self.seeds)
            .finish_non_exhaustive()
    }
}

impl Summary {
    fn count(&mut self, plan: &Plan, faults: &[Fault]) {
        self.runs += 1;
        self.records += plan.records;
        let counts: &mut BTreeMap<Fault, u64> = &mut self.faults;
        faults.iter().for_each(|fault| *counts.entry(*fault).or_default() += 1);
    }
}
