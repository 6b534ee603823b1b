//! All small worlds: in each the plan is as good as the best possible one.

use proptest::prelude::*;

use super::{
    optimum::World,
    worlds::{carried_out, lease, rules_for, worker},
};
use crate::assignment::{LeaseView, View, WorkerIndex, WorkerView, plan};

/// All ways to choose `len` of `kinds`, in ascending order: which lease is of which kind does not
/// matter.
fn multisets(kinds: usize, len: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for _ in 0..len {
        let longer = |chosen: &Vec<usize>| {
            let chosen = chosen.clone();
            let from = chosen.last().copied().unwrap_or(0);
            (from..kinds).map(move |kind| [chosen.as_slice(), &[kind]].concat()).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

/// The worker that the lowest digit of `kind` stands for, `None` for digit 0; and the other digits.
fn take(kind: usize, workers: usize) -> (Option<usize>, usize) {
    ((kind % (workers + 1)).checked_sub(1), kind / (workers + 1))
}

/// A lease of each holder and each worker to avoid.
fn shy(kind: usize, number: usize, workers: usize) -> LeaseView {
    let (holder, rest) = take(kind, workers);
    let avoid = take(rest, workers).0.map(WorkerIndex::new);
    LeaseView { avoid, ..lease(number, holder) }
}

fn alive(workers: usize) -> Vec<WorkerView> {
    (0..workers).map(worker).collect()
}

fn assert_is_best(view: &View) {
    let made = plan(view);
    let world = World::of(view);
    let (mut badness, best) = (world.judge_plan(&made), world.best());
    if best.unpreferred > 0 {
        // If a worker cannot get all leases that prefer it, it is decided which it gets before
        // anything is shared out, and that may cost a move.
        badness.moves = best.moves;
    }
    assert_eq!(badness, best, "{view:?}\n{made:?}");
    let again = plan(&carried_out(view, &made));
    assert_eq!((again.moves, &again.seats), (0, &made.seats), "planned again: {view:?}");
}

#[test]
fn without_limits_every_plan_is_even_with_the_fewest_moves_and_avoids_what_can_be_avoided() {
    for workers in 1..=3 {
        for leases in 0..=5 {
            for kinds in multisets((workers + 1) * (workers + 1), leases) {
                let leases = kinds.iter().enumerate();
                let leases = leases.map(|(number, kind)| shy(*kind, number, workers)).collect();
                assert_is_best(&View::new(leases, alive(workers)));
            }
        }
    }
}

#[test]
fn within_any_limits_every_plan_seats_whom_it_should_and_is_as_even_as_can_be() {
    for workers in 1..=3 {
        for leases in 1..=(6 - workers) {
            for limits in multisets(4, workers) {
                let with_limit = |(number, limit): (usize, &usize)| {
                    let capacity = u32::try_from(*limit).ok().filter(|limit| *limit < 3);
                    WorkerView { capacity, ..worker(number) }
                };
                let alive: Vec<WorkerView> = limits.iter().enumerate().map(with_limit).collect();
                for kinds in multisets((workers + 1) * (workers + 1), leases) {
                    let leases = kinds.iter().enumerate();
                    let leases = leases.map(|(number, kind)| shy(*kind, number, workers)).collect();
                    assert_is_best(&View::new(leases, alive.clone()));
                }
            }
        }
    }
}

#[test]
fn with_any_rules_every_plan_keeps_them_and_moves_no_more_than_they_ask_for() {
    for workers in 1..=3 {
        let rules = rules_for(workers);
        let kinds_of_rule = rules.rules().len() + 1;
        for leases in 1..=(6 - workers) {
            for (limit, names_go_back) in [(1, false), (1, true), (2, true), (9, false)] {
                for kinds in multisets((workers + 1) * kinds_of_rule, leases) {
                    let ruled = |(number, kind): (usize, &usize)| {
                        let (holder, rest) = take(*kind, workers);
                        // The held leases come first in the order of keys, too.
                        let number = if names_go_back { 9 - number } else { number };
                        let rule = rest.checked_sub(1).and_then(|rule| u32::try_from(rule).ok());
                        LeaseView { rule, ..lease(number, holder) }
                    };
                    let leases = kinds.iter().enumerate().map(ruled).collect();
                    let mut view = View::new(leases, alive(workers));
                    view.limits.per_worker = Some(limit);
                    view.rules = rules.clone();
                    assert_is_best(&view);
                }
            }
        }
    }
}

fn larger_world() -> impl Strategy<Value = View> {
    let sizes = (1..=4_usize, 0..=6_usize, any::<bool>());
    sizes.prop_flat_map(|(workers, leases, limited)| {
        let kinds = prop::collection::vec(0..(workers + 1) * (workers + 1), leases);
        let limits = prop::collection::vec(0..6_u32, workers);
        (kinds, limits).prop_map(move |(kinds, limits)| {
            let leases = kinds.iter().enumerate();
            let leases = leases.map(|(number, kind)| shy(*kind, number, workers)).collect();
            let with_limit = |(number, limit): (usize, u32)| WorkerView {
                capacity: Some(limit).filter(|limit| limited && *limit < 4),
                ..worker(number)
            };
            View::new(leases, limits.into_iter().enumerate().map(with_limit).collect())
        })
    })
}

proptest! {
    #[test]
    fn a_plan_for_a_larger_world_is_the_best_too(view in larger_world()) {
        assert_is_best(&view);
    }
}
