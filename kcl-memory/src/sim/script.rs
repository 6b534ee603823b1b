//! A run, as data.

use std::time::Duration;

use kcl_core::{env::Rng, settings::Coordination};

use super::{Action, Network};

/// A run, as data: the same script gives the same run.
#[derive(Clone, Debug)]
pub struct Script {
    /// Fixes every draw of the run: latencies, losses, incarnations.
    pub seed: u64,
    /// Workers that start at time zero.
    pub workers: usize,
    /// Shards the stream starts with.
    pub shards: usize,
    /// The workers' settings.
    pub settings: Coordination,
    /// The network to the store.
    pub network: Network,
    /// Records a second put to each open shard, in hundredths.
    pub rate: u64,
    /// What happens, and when.
    pub steps: Vec<Step>,
    /// How long the run lasts after the last step: long enough for the fleet to settle.
    pub settle: Duration,
}

/// Something that happens at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When, from the start of the run.
    pub at: Duration,
    /// What.
    pub action: Action,
}

impl Step {
    /// `action` at `millis` milliseconds.
    #[must_use]
    pub const fn new(millis: u64, action: Action) -> Self {
        Self { at: Duration::from_millis(millis), action }
    }
}

impl Script {
    /// A fleet that starts and is left alone.
    #[must_use]
    pub fn quiet(seed: u64, workers: usize, shards: usize) -> Self {
        Self {
            seed,
            workers,
            shards,
            settings: Coordination::default(),
            network: Network::default(),
            rate: 1_000,
            steps: Vec::new(),
            settle: Duration::from_secs(60),
        }
    }

    /// The same script with these steps.
    #[must_use]
    pub fn with(mut self, steps: Vec<Step>) -> Self {
        self.steps = steps;
        self
    }

    /// A script drawn from a seed: size, network and faults.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let mut script = Self::quiet(seed, 0, 0);
        script.workers = 1 + index(&mut rng, 6);
        script.shards = 1 + index(&mut rng, 12);
        script.network = Network::from_rng(&mut rng);
        // Swarm testing: each run draws which kinds of things happen at all.
        let kinds: Vec<u64> = (0..21).filter(|_| rng.below(100) < 35).collect();
        let mut at = 3_000 + rng.below(5_000);
        for _ in 0..rng.below(10) {
            if let Some(kind) = pick(&kinds, &mut rng) {
                script.steps.push(Step::new(at, draw(kind, &mut rng)));
            }
            at += rng.below(12_000);
        }
        script.settle = Duration::from_secs(100);
        script
    }
}

fn draw(kind: u64, rng: &mut Rng) -> Action {
    let who = index(rng, 8);
    let span = Duration::from_millis(500 + rng.below(14_000));
    match kind {
        0 | 1 => Action::Join,
        2 => Action::JoinAs(who),
        3 => Action::Crash(who),
        4 => Action::Pause(who, span),
        5 => Action::Leave(who),
        6 => Action::CrashPlanner,
        7 => Action::PausePlanner(span),
        8 => Action::LeavePlanner,
        9 => Action::CrashPlannerAndStandby,
        10 | 11 => Action::Split(who),
        12 => Action::Merge(who),
        13 => Action::CutRequests(who, span),
        14 => Action::CutReplies(who, span),
        15 => Action::Outage(span),
        16 => Action::Slow(span, Duration::from_millis(rng.below(800))),
        17 => Action::Trim,
        18 => Action::SlowProcessor(who, span * 3, span),
        19 => Action::HungProcessor(who, span * 3, span),
        _ => Action::RollBack(Duration::from_millis(rng.below(3_000))),
    }
}

fn pick(kinds: &[u64], rng: &mut Rng) -> Option<u64> {
    if kinds.is_empty() { None } else { kinds.get(index(rng, kinds.len())).copied() }
}

pub(super) fn index(rng: &mut Rng, bound: usize) -> usize {
    let bound = u64::try_from(bound).unwrap_or(u64::MAX);
    usize::try_from(rng.below(bound)).unwrap_or(0)
}
