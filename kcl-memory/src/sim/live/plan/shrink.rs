//! The shortest plan that still shows a failure.

use std::time::Duration;

use super::Plan;
use crate::sim::search::{Search, drop_parts};

/// How many runs shrinking may cost.
const RUNS: usize = 300;

/// Makes `plan` as small as it gets while `fails` says that it still fails.
pub(in crate::sim::live) fn shrink(plan: Plan, fails: impl FnMut(&Plan) -> bool) -> Plan {
    let mut search = Search::begin(plan, RUNS, fails);
    // As long as a round makes it smaller, another may.
    loop {
        let mut better = search.drop_steps();
        for smaller in SMALLER {
            while let Some(candidate) = smaller(&search.best)
                && search.take(candidate)
            {
                better = true;
            }
        }
        better |= search.shorten_steps();
        if !better || search.is_over() {
            return search.best;
        }
    }
}

impl<F: FnMut(&Plan) -> bool> Search<Plan, F> {
    /// Drops steps that are not needed; true if there were any.
    fn drop_steps(&mut self) -> bool {
        let count = |search: &Self| search.best.steps.len();
        drop_parts(self, count, |search, range| {
            let mut candidate = search.best.clone();
            candidate.steps.drain(range);
            search.take(candidate)
        })
    }

    /// Halves how long each fault lasts, as often as that goes well.
    fn shorten_steps(&mut self) -> bool {
        let mut better = false;
        for step in 0..self.best.steps.len() {
            while let Some(candidate) = shortened(&self.best, step)
                && self.take(candidate)
            {
                better = true;
            }
        }
        better
    }
}

/// A plan in which a step lasts half as long; `None` if it is short.
fn shortened(plan: &Plan, step: usize) -> Option<Plan> {
    let mut plan = plan.clone();
    let step = plan.steps.get_mut(step).filter(|step| step.lasts >= SHORT)?;
    step.lasts =
        Duration::from_millis(u64::try_from(step.lasts.as_millis() / 2).unwrap_or_default());
    Some(plan)
}

/// What lasts less is not shortened.
const SHORT: Duration = Duration::from_millis(400);

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
