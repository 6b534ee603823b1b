//! A plan from a seed.

use std::time::Duration;

use kcl_core::env::Rng;

use super::{Fault, Plan, Step, Target};

/// How large drawn plans are, and what may happen in them.
#[derive(Clone, Debug)]
pub(in crate::sim::live) struct Scale {
    pub(in crate::sim::live) workers: usize,
    pub(in crate::sim::live) shards: u32,
    pub(in crate::sim::live) records: u64,
    pub(in crate::sim::live) faults: Vec<Fault>,
}

impl Plan {
    /// The plan that `seed` stands for.
    pub(in crate::sim::live) fn draw(seed: u64, scale: &Scale) -> Self {
        let mut rng = Rng::new(seed);
        let mut plan = Self { shards: scale.shards, ..Self::calm(seed) };
        (plan.workers, plan.records) = (scale.workers, scale.records);
        let latencies = [2, 10, 10, 40, 120];
        plan.latency = Duration::from_millis(pick(&latencies, &mut rng).unwrap_or(10));
        plan.pushes = rng.below(2) == 0;
        // Swarm testing: each run draws which kinds of things happen at all.
        let mut kinds: Vec<Fault> =
            scale.faults.iter().copied().filter(|_| rng.below(100) < 40).collect();
        kinds.extend(pick(&scale.faults, &mut rng));
        let mut at = millis(&mut rng, 500, 6_000);
        for _ in 0..1 + rng.below(11) {
            if let Some(fault) = pick(&kinds, &mut rng) {
                plan.happen(at, fault, &mut rng);
            }
            at += millis(&mut rng, 0, 7_000);
        }
        plan.steps.sort_by_key(|step| step.at);
        plan
    }

    fn happen(&mut self, at: Duration, fault: Fault, rng: &mut Rng) {
        let on = match fault.target() {
            // A worker that is not there yet joins.
            Target::Worker if fault == Fault::Start => below(rng, self.workers + 2),
            Target::Worker => below(rng, self.workers),
            Target::Shard => below(rng, 16),
            Target::Everybody => 0,
        };
        let lasts = if fault.lasts() { millis(rng, 200, 15_000) } else { Duration::ZERO };
        self.steps.push(Step { at, fault, on, lasts });
        // What a supervisor does: it starts again what died, and what was stopped to be renewed.
        if matches!(fault, Fault::Crash | Fault::Leave) && rng.below(100) < 70 {
            let at = at + millis(rng, 100, 12_000);
            self.steps.push(Step { at, fault: Fault::Start, on, lasts: Duration::ZERO });
        }
    }
}

fn millis(rng: &mut Rng, least: u64, spread: u64) -> Duration {
    Duration::from_millis(least + rng.below(spread))
}

fn below(rng: &mut Rng, bound: usize) -> usize {
    let bound = u64::try_from(bound).unwrap_or(u64::MAX);
    usize::try_from(rng.below(bound)).unwrap_or(0)
}

fn pick<T: Copy>(from: &[T], rng: &mut Rng) -> Option<T> {
    from.get(below(rng, from.len())).copied()
}
