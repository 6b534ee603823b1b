//! The shortest plan that still shows a failure.

use std::time::Duration;

use super::Plan;

/// How many runs shrinking may cost.
const RUNS: usize = 300;

/// Makes `plan` as small as it gets while `fails` says that it still fails.
pub(in crate::sim::live) fn shrink(plan: Plan, mut fails: impl FnMut(&Plan) -> bool) -> Plan {
    let mut best = plan;
    let mut runs = 0;
    // As long as a round makes it smaller, another may.
    loop {
        let mut better = false;
        let mut size = best.steps.len().max(1);
        while size > 0 && runs < RUNS {
            better |= drop_steps(&mut best, size, &mut runs, &mut fails);
            size /= 2;
        }
        for smaller in SMALLER {
            while runs < RUNS {
                let Some(candidate) = smaller(&best) else { break };
                runs += 1;
                if !fails(&candidate) {
                    break;
                }
                best = candidate;
                better = true;
            }
        }
        better |= shorten_steps(&mut best, &mut runs, &mut fails);
        if !better || runs >= RUNS {
            return best;
        }
    }
}

/// Drops runs of `size` steps that are not needed; true if there were any.
fn drop_steps(
    best: &mut Plan,
    size: usize,
    runs: &mut usize,
    fails: &mut impl FnMut(&Plan) -> bool,
) -> bool {
    let (mut from, mut better) = (0, false);
    while from < best.steps.len() && *runs < RUNS {
        let mut candidate = best.clone();
        let to = (from + size).min(candidate.steps.len());
        candidate.steps.drain(from..to);
        *runs += 1;
        if fails(&candidate) {
            *best = candidate;
            better = true;
        } else {
            from += size;
        }
    }
    better
}

/// Halves how long each fault lasts, as often as that goes well.
fn shorten_steps(best: &mut Plan, runs: &mut usize, fails: &mut impl FnMut(&Plan) -> bool) -> bool {
    let mut better = false;
    for step in 0..best.steps.len() {
        while *runs < RUNS {
            let mut candidate = best.clone();
            let Some(step) = candidate.steps.get_mut(step) else { break };
            if step.lasts < Duration::from_millis(400) {
                break;
            }
            step.lasts = Duration::from_millis(
                u64::try_from(step.lasts.as_millis() / 2).unwrap_or_default(),
            );
            *runs += 1;
            if !fails(&candidate) {
                break;
            }
            *best = candidate;
            better = true;
        }
    }
    better
}

type Smaller = fn(&Plan) -> Option<Plan>;

/// Ways to make a plan smaller; `None` when one goes no further.
const SMALLER: [Smaller; 8] = [
    |plan| (plan.shards > 1).then(|| Plan { shards: 1, ..plan.clone() }),
    |plan| (plan.shards > 2).then(|| Plan { shards: plan.shards / 2, ..plan.clone() }),
    |plan| (plan.workers > 1).then(|| Plan { workers: 1, ..plan.clone() }),
    |plan| (plan.workers > 2).then(|| Plan { workers: plan.workers - 1, ..plan.clone() }),
    |plan| (plan.records > 1).then(|| Plan { records: plan.records / 2, ..plan.clone() }),
    |plan| (plan.records > 1).then(|| Plan { records: plan.records - 1, ..plan.clone() }),
    |plan| {
        let calmer = Duration::from_millis(2);
        (plan.latency > calmer).then(|| Plan { latency: calmer, ..plan.clone() })
    },
    |plan| (!plan.pushes).then(|| Plan { pushes: true, ..plan.clone() }),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::live::plan::{Fault, Scale};

    #[test]
    fn what_is_not_needed_goes_and_what_is_needed_stays() {
        let scale = Scale { workers: 5, shards: 8, records: 400, faults: Fault::ALL.to_vec() };
        let needs = |plan: &Plan| {
            plan.workers >= 2
                && plan.records >= 7
                && plan.steps.iter().any(|step| step.fault == Fault::Crash)
        };
        let large = (0..).map(|seed| Plan::draw(seed, &scale));
        let large = large.into_iter().find(|plan| needs(plan) && plan.steps.len() > 5).unwrap();
        let small = shrink(large, needs);
        assert_eq!((small.workers, small.shards, small.records), (2, 1, 7));
        assert_eq!(small.steps.len(), 1);
        assert_eq!(small.latency, Duration::from_millis(2));
        assert!(small.pushes);
    }
}
