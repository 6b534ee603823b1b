//! Draws scripts from seeds.
//!
//! This is swarm testing: each seed first draws which kinds of actions happen at all, how often,
//! and under which settings. So rare combinations are played, too, which a mix of everything would
//! hide.

use std::time::Duration;

use kcl_core::{
    assignment::{Balance, Weighting},
    env::Rng,
    settings::{Coordination, InitialPosition, SameId},
};

use super::{Ending, Script, Step};
use crate::sim::{Action, Network};

impl Script {
    /// A script drawn from a seed: size, settings, network and steps. Two of five fleets are large
    /// (3 to 12 workers, 4 to 64 shards), the others small (1 to 6 workers, 1 to 12 shards).
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let mut script = Self::quiet(seed, 0, 0);
        let large = rng.below(100) < 40;
        let (workers, shards) = if large { (10, 61) } else { (6, 12) };
        script.workers = index(&mut rng, workers) + if large { 3 } else { 1 };
        script.shards = index(&mut rng, shards) + if large { 4 } else { 1 };
        script.network = Network::from_rng(&mut rng);
        script.settings = settings(&mut rng);
        script.next = settings(&mut rng);
        script.pushes = rng.below(2) == 0;
        script.poll =
            Duration::from_millis(pick(&[1_000, 2_000, 5_000, 5_000, 10_000, 10_000], &mut rng));
        script.drift = pick(&[0, 500, 500, 20_000], &mut rng);
        let kinds = kinds(&mut rng);
        script.steps = steps(&kinds, &mut rng);
        script.ending = if rng.below(2) == 0 { Ending::Calm } else { Ending::Abrupt };
        script.settle = match script.ending {
            Ending::Calm => Duration::from_secs(10 + rng.below(100)),
            Ending::Abrupt => Duration::from_millis(rng.below(20_000)),
        };
        script.zones = index(&mut rng, 2) * (2 + index(&mut rng, 2));
        script
    }

    /// A script drawn from a seed, with weighted balancing and shards of uneven load. In half of
    /// these scripts no processor ever checkpoints.
    #[must_use]
    pub fn weighted(seed: u64) -> Self {
        let mut rng = Rng::new(seed ^ 0x10ad);
        let mut script = Self::from_seed(seed);
        for settings in [&mut script.settings, &mut script.next] {
            settings.balance = Balance::Weighted(Weighting::default());
        }
        script.skew = pick(&[3, 8, 20], &mut rng);
        script.checkpoints = rng.below(2) == 0;
        script
    }

    /// A script drawn from a seed whose steps are only of these kinds, each drawn equally often.
    #[must_use]
    pub fn with_faults(seed: u64, kinds: &[&'static str]) -> Self {
        let mut rng = Rng::new(seed ^ 0x5157);
        let mut script = Self::from_seed(seed);
        script.steps = steps(kinds, &mut rng);
        script
    }
}

/// The kinds of actions that happen in a run; each is drawn as often as the others.
fn kinds(rng: &mut Rng) -> Vec<&'static str> {
    let chance = pick(&[8, 25, 60], rng);
    let mut kinds: Vec<&'static str> = Vec::new();
    // Some kinds are played apart. Resets are not played together with a store that loses writes.
    // Frozen fleets and the operator's marks are not played here either, since a fleet with them
    // need not be balanced in the end.
    for kind in Action::KINDS.iter().filter(|kind| !Action::APART.contains(kind)) {
        if rng.below(100) < chance {
            kinds.push(kind);
        }
    }
    // Without joins a fleet only shrinks and is soon gone, all the sooner if many workers die at
    // once.
    let many = kinds.iter().filter(|kind| ["crash-together", "crash-zone"].contains(kind)).count();
    let joins = usize::from(rng.below(4) > 0) + many;
    kinds.extend(std::iter::repeat_n("join", joins));
    kinds
}

/// Up to 99 steps of these kinds, with drawn gaps between them.
fn steps(kinds: &[&'static str], rng: &mut Rng) -> Vec<Step> {
    let gap = pick(&[1_500, 8_000, 30_000, 75_000], rng);
    let mut at = 1_000 + rng.below(9_000);
    let mut steps = Vec::new();
    for _ in 0..rng.below(100) {
        let kind = kinds.get(index(rng, kinds.len())).copied();
        if let Some(action) = kind.and_then(|kind| Action::draw(kind, rng)) {
            steps.push(Step::new(at, action));
        }
        at += rng.below(gap * 2);
    }
    steps
}

/// Settings: the default ones, the fast ones, or slower ones, with some changed.
fn settings(rng: &mut Rng) -> Coordination {
    let mut settings = match rng.below(5) {
        0..=2 => Coordination::default(),
        3 => Coordination::fast(),
        _ => {
            let mut slow = Coordination::default();
            slow.session_timeout = Duration::from_secs(12);
            slow.heartbeat_interval = Duration::from_secs(3);
            slow.watch_interval = Duration::from_millis(2_500);
            slow.clock_guard = Duration::from_millis(600);
            slow
        }
    };
    if rng.below(3) == 0 {
        settings.handoff_timeout = Duration::from_secs(4);
    }
    if rng.below(3) == 0 {
        settings.shutdown_grace = Duration::from_secs(3);
    }
    if rng.below(5) == 0 {
        settings.same_id = SameId::Refuse;
    }
    if rng.below(5) == 0 {
        settings.initial_position = InitialPosition::Latest;
    }
    settings
}

/// A number below `bound`; 0 if `bound` is 0.
pub(crate) fn index(rng: &mut Rng, bound: usize) -> usize {
    let bound = u64::try_from(bound).unwrap_or(u64::MAX);
    usize::try_from(rng.below(bound)).unwrap_or(0)
}

/// One of these values.
fn pick(values: &[u64], rng: &mut Rng) -> u64 {
    values.get(index(rng, values.len())).copied().unwrap_or(0)
}
