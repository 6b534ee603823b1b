//! Views to plan for.

use std::time::Duration;

use proptest::prelude::*;

use crate::{
    assignment::{
        Balance, LeaseView, Limits, Plan, View, WorkerIndex, WorkerView,
        placement::{Mode, PlacementRules, Rule, Target, Uncovered},
    },
    lease::WorkerId,
    stream::{HashRange, ShardId},
};

pub(super) fn worker(number: usize) -> WorkerView {
    WorkerView::new(worker_id(number))
}

pub(super) fn worker_id(number: usize) -> WorkerId {
    format!("w-{number:04}").parse().unwrap()
}

pub(super) fn lease(number: usize, holder: Option<usize>) -> LeaseView {
    let holder = holder.map(WorkerIndex::new);
    let key = format!("orders/1/shardId-{number:012}").parse().unwrap();
    LeaseView { holder, ..LeaseView::new(key) }
}

/// Workers that hold as many leases as `held` says, and `orphans`.
pub(super) fn holding(held: &[usize], orphans: usize) -> View {
    let holders = held.iter().enumerate().flat_map(|(worker, n)| vec![Some(worker); *n]);
    let holders = holders.chain(vec![None; orphans]);
    let leases = holders.enumerate().map(|(number, holder)| lease(number, holder)).collect();
    View::new(leases, (0..held.len()).map(worker).collect())
}

/// Rules for which no lease need have a shard: rule `2 * w` prefers worker `w`, rule `2 * w + 1`
/// requires it. The last two rules are for a worker that is not there.
pub(super) fn rules_for(workers: usize) -> PlacementRules {
    let rule = |number: usize| {
        let shard: ShardId = format!("s-{number}").parse().unwrap();
        let mode = if number.is_multiple_of(2) { Mode::Prefer } else { Mode::Require };
        Rule::new(Target::Shard(shard), worker_id(number / 2), mode)
    };
    PlacementRules::new((0..2 * workers + 2).map(rule).collect(), Uncovered::Balance).unwrap()
}

/// A rule for every shard.
pub(super) fn rule_for_all(worker: usize, mode: Mode) -> PlacementRules {
    let rule = Rule::new(Target::Range(HashRange::ALL), worker_id(worker), mode);
    PlacementRules::new(vec![rule], Uncovered::Balance).unwrap()
}

/// The view once the plan has been carried out.
pub(super) fn carried_out(view: &View, plan: &Plan) -> View {
    let mut next = view.clone();
    for (lease, seat) in next.leases.iter_mut().zip(&plan.seats) {
        lease.holder = *seat;
    }
    next
}

pub(super) fn sorted(counts: &[usize]) -> Vec<usize> {
    let mut counts = counts.to_vec();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    counts
}

/// A worker among `workers`, none, or one that is not live.
fn some_worker(workers: usize) -> impl Strategy<Value = Option<usize>> {
    prop_oneof![
        3 => (0..workers.max(1)).prop_map(Some),
        1 => Just(None),
        1 => Just(Some(workers + 7)),
    ]
}

fn any_lease(workers: usize, number: usize) -> impl Strategy<Value = LeaseView> {
    let rule = prop::option::weighted(0.2, 0..20_u32);
    let avoid = prop::option::weighted(0.2, some_worker(workers)).prop_map(Option::flatten);
    let lag = prop::option::of((0..9_u64).prop_map(Duration::from_secs));
    let weight = prop::option::of(prop_oneof![0..9_u64, 0..1_000_000_u64]);
    let kin = some_worker(workers);
    (some_worker(workers), kin, avoid, lag, weight, any::<bool>(), rule).prop_map(
        move |(holder, kin, avoid, lag, weight, settled, rule)| LeaseView {
            parent_holder: kin.map(WorkerIndex::new),
            avoid: avoid.map(WorkerIndex::new),
            lag,
            weight,
            settled,
            rule,
            ..lease(number, holder)
        },
    )
}

fn any_worker(number: usize) -> impl Strategy<Value = WorkerView> {
    let capacity = prop::option::weighted(0.2, 0..12_u32);
    let is_settled = prop::bool::weighted(0.8);
    (capacity, is_settled).prop_map(move |(capacity, is_settled)| WorkerView {
        capacity,
        is_settled,
        ..worker(number)
    })
}

/// Any view.
pub(super) fn any_view(balance: Balance) -> impl Strategy<Value = View> {
    let sizes = (0..60_usize, 0..9_usize);
    sizes.prop_flat_map(move |(leases, workers)| {
        let leases: Vec<_> = (0..leases).map(|number| any_lease(workers, number)).collect();
        let alive: Vec<_> = (0..workers).map(any_worker).collect();
        let limits = (prop::option::weighted(0.3, 0..20_u32), prop::bool::weighted(0.3))
            .prop_map(|(per_worker, fair_share)| Limits { per_worker, fair_share });
        (leases, alive, limits, any::<bool>()).prop_map(move |(leases, alive, limits, ruled)| {
            let rules = if ruled { rules_for(workers) } else { PlacementRules::default() };
            View { limits, rules, balance, ..View::new(leases, alive) }
        })
    })
}
