//! Sharing out by load.

use proptest::prelude::*;

use super::worlds::{carried_out, holding, lease, rule_for_all, sorted, worker};
use crate::assignment::{Balance, Plan, View, Weighting, WorkerIndex, placement::Mode, plan};

const TENTH: Weighting = Weighting { hysteresis_percent: 10, floor: 0 };

/// A view of held leases with these weights.
fn weighing(held: &[&[u64]], weighting: Weighting) -> View {
    let per_worker = held.iter().enumerate();
    let pairs = per_worker.flat_map(|(worker, weights)| weights.iter().map(move |w| (worker, *w)));
    let leases = pairs.enumerate().map(|(number, (worker, weight))| {
        let mut lease = lease(number, Some(worker));
        lease.weight = Some(weight);
        lease
    });
    let mut view = View::new(leases.collect(), (0..held.len()).map(worker).collect());
    view.balance = Balance::Weighted(weighting);
    view
}

fn loads(view: &View, plan: &Plan) -> Vec<u64> {
    let mut loads = vec![0; view.workers.len()];
    for (lease, seat) in view.leases.iter().zip(&plan.seats) {
        if let Some(seat) = seat {
            loads[seat.get()] += lease.weight.unwrap();
        }
    }
    loads
}

#[test]
fn nothing_moves_at_no_load() {
    let view = weighing(&[&[0; 9], &[0; 1], &[]], TENTH);
    assert_eq!(plan(&view).moves, 0);
}

#[test]
fn nothing_moves_for_less_than_the_floor() {
    let floor = |floor| Weighting { floor, ..TENTH };
    assert_eq!(plan(&weighing(&[&[5, 5, 5], &[]], floor(100))).moves, 0);
    assert_ne!(plan(&weighing(&[&[5, 5, 5], &[]], floor(4))).moves, 0);
}

#[test]
fn what_is_not_settled_stays() {
    let mut view = weighing(&[&[5, 5, 5, 5], &[]], TENTH);
    view.leases.iter_mut().for_each(|lease| lease.settled = false);
    assert_eq!(plan(&view).moves, 0);
    view.leases[3].settled = true;
    let moved = plan(&view);
    assert_eq!((moved.moves, moved.seats[3]), (1, Some(WorkerIndex::new(1))));
}

#[test]
fn what_was_not_measured_moves_for_no_weight() {
    let mut view = weighing(&[&[5, 5, 5, 5], &[]], TENTH);
    view.leases.iter_mut().for_each(|lease| lease.weight = None);
    assert_eq!(plan(&view).moves, 0);
}

#[test]
fn a_shard_that_is_too_hot_for_any_worker_stays_and_the_others_leave_it_alone() {
    let view = weighing(&[&[100, 5, 5], &[5, 5], &[5, 5]], TENTH);
    let plan = plan(&view);
    assert_eq!(plan.seats[0], Some(WorkerIndex::new(0)));
    assert_eq!(sorted_loads(&view, &plan), [100, 15, 15]);
}

#[test]
fn beside_a_hot_shard_the_rest_is_still_balanced() {
    let view = weighing(&[&[100], &[5, 5, 5, 5], &[]], TENTH);
    assert_eq!(sorted_loads(&view, &plan(&view)), [100, 10, 10]);
}

#[test]
fn what_rules_pin_counts_as_load_and_the_others_are_balanced_around_it() {
    let mut view = weighing(&[&[50, 4, 4], &[4, 4, 4, 4], &[]], TENTH);
    view.rules = rule_for_all(0, Mode::Require);
    view.leases[0].rule = Some(0);
    let plan = plan(&view);
    assert_eq!(loads(&view, &plan), [50, 12, 12]);
}

#[test]
fn a_lease_that_fits_nowhere_whole_moves_if_that_lowers_the_maximum() {
    // 10 does not fit the excess of 7.5; moving it makes 20 and 5 into 10 and 15.
    let view = weighing(&[&[10, 10], &[5]], TENTH);
    assert_eq!(sorted_loads(&view, &plan(&view)), [15, 10]);
    // Here it would only swap the roles.
    let view = weighing(&[&[10, 10], &[10]], TENTH);
    assert_eq!(plan(&view).moves, 0);
}

#[test]
fn moves_that_gain_less_than_the_tolerance_are_not_made() {
    // Only the lease of 1 could go; that is less than a tenth of the level.
    let view = weighing(&[&[30, 1], &[20], &[20]], TENTH);
    assert_eq!(plan(&view).moves, 0);
}

#[test]
fn a_worker_that_joins_many_gets_a_share_although_nobody_is_above_the_bar() {
    let full: &[u64] = &[1; 20];
    let mut held = vec![full; 12];
    held.push(&[]);
    let view = weighing(&held, TENTH);
    let plan = plan(&view);
    // The level is 18: a twentieth below it is enough.
    assert_eq!(plan.counts[12], 18);
    assert_eq!(plan.moves, 18);
    assert_eq!(super::super::plan(&carried_out(&view, &plan)).moves, 0);
}

#[test]
fn orphans_go_to_the_least_loaded_the_heaviest_first() {
    let mut view = weighing(&[&[9], &[4], &[]], TENTH);
    for (number, weight) in [(10, 2), (11, 7), (12, 5)] {
        let mut orphan = lease(number, None);
        orphan.weight = Some(weight);
        view.leases.push(orphan);
    }
    let plan = plan(&view);
    assert_eq!((loads(&view, &plan), plan.moves), (vec![9, 9, 9], 0));
}

#[test]
fn of_workers_that_are_loaded_alike_an_orphan_goes_to_the_one_that_holds_its_parent() {
    let mut view = weighing(&[&[9], &[9], &[9]], TENTH);
    for (number, parent) in [(10, 2), (11, 1)] {
        let mut child = lease(number, None);
        child.parent_holder = Some(WorkerIndex::new(parent));
        child.weight = Some(1);
        view.leases.push(child);
    }
    assert_eq!(loads(&view, &plan(&view)), [9, 10, 10]);
}

#[test]
fn a_lease_goes_elsewhere_even_if_that_is_the_more_loaded_worker_but_not_over_a_limit() {
    let mut view = weighing(&[&[1, 1], &[9]], TENTH);
    view.leases[0].avoid = view.leases[0].holder;
    assert_eq!(loads(&view, &plan(&view)), [1, 10]);
    view.limits.fair_share = true;
    view.leases.pop();
    assert_eq!(plan(&view).counts, [1, 1]);
    view.limits.per_worker = Some(0);
    assert_eq!(plan(&view).unassigned.len(), 2);
}

#[test]
fn a_worker_above_its_limit_keeps_the_heaviest() {
    // So wide a tolerance that relief moves nothing more.
    let half = Weighting { hysteresis_percent: 50, floor: 0 };
    let mut view = weighing(&[&[5, 7, 6], &[]], half);
    view.limits.per_worker = Some(2);
    let plan = plan(&view);
    assert_eq!((loads(&view, &plan), plan.moves), (vec![13, 5], 1));
}

#[test]
fn idle_orphans_are_spread_by_count() {
    let mut view = weighing(&[&[9], &[9], &[2]], TENTH);
    view.leases.extend((10..16).map(|number| {
        let mut orphan = lease(number, None);
        orphan.weight = Some(0);
        orphan
    }));
    assert_eq!(plan(&view).counts, [3, 3, 3]);
}

#[test]
fn a_fleet_that_starts_with_nothing_measured_is_even() {
    let mut view = holding(&[0, 0, 0], 10);
    view.balance = Balance::Weighted(TENTH);
    assert_eq!(sorted(&plan(&view).counts), [4, 3, 3]);
}

fn sorted_loads(view: &View, plan: &Plan) -> Vec<u64> {
    let mut loads = loads(view, plan);
    loads.sort_unstable_by(|a, b| b.cmp(a));
    loads
}

/// Some weights in hundreds, some much heavier, some idle.
fn weights() -> impl Strategy<Value = Vec<Vec<u64>>> {
    let weight = prop_oneof![5 => 1..1_000_u64, 1 => 1_000..20_000_u64, 1 => Just(0)];
    prop::collection::vec(prop::collection::vec(weight, 0..30), 1..12)
}

fn view_of(held: &[Vec<u64>], weighting: Weighting) -> View {
    let held: Vec<&[u64]> = held.iter().map(Vec::as_slice).collect();
    weighing(&held, weighting)
}

/// The load in a perfect split, rounded up.
fn average(view: &View) -> u64 {
    let total: u64 = view.leases.iter().filter_map(|lease| lease.weight).sum();
    total.div_ceil(view.workers.len() as u64)
}

proptest! {
    #[test]
    fn three_rounds_bring_every_worker_to_the_bar_and_one_lease(
        held in weights(),
        percent in 0..40_u32,
        floor in 0..200_u64,
    ) {
        let weighting = Weighting { hysteresis_percent: percent, floor };
        let mut view = view_of(&held, weighting);
        for _ in 0..3 {
            view = carried_out(&view, &plan(&view));
        }
        let plan = plan(&view);
        let heaviest = view.leases.iter().filter_map(|lease| lease.weight).max().unwrap_or(0);
        let average = average(&view);
        let tolerance = (average * u64::from(percent)).div_ceil(100).max(floor);
        let highest = loads(&view, &plan).into_iter().max().unwrap();
        prop_assert!(highest <= average + tolerance + heaviest, "{highest}, average {average}");
    }

    #[test]
    fn a_fleet_comes_to_rest(held in weights(), floor in 0..200_u64) {
        let mut view = view_of(&held, Weighting { floor, ..TENTH });
        let rounds = (0..8).take_while(|_| {
            let plan = plan(&view);
            view = carried_out(&view, &plan);
            plan.moves > 0
        });
        prop_assert!(rounds.count() < 8);
    }

    /// The purpose of the hysteresis: at rest, weights that change a little move nothing.
    #[test]
    fn small_changes_of_weight_move_nothing(
        held in prop::collection::vec(prop::collection::vec(900..1_100_u64, 20), 2..8),
        noise in prop::collection::vec(98..=102_u64, 160),
    ) {
        let mut view = view_of(&held, TENTH);
        for _ in 0..8 {
            view = carried_out(&view, &plan(&view));
        }
        for (lease, percent) in view.leases.iter_mut().zip(noise) {
            lease.weight = lease.weight.map(|weight| weight * percent / 100);
        }
        prop_assert_eq!(plan(&view).moves, 0);
    }

    #[test]
    fn no_worker_ends_higher_than_the_highest_was(held in weights()) {
        let view = view_of(&held, TENTH);
        let before = held.iter().map(|weights| weights.iter().sum::<u64>()).max();
        prop_assert!(loads(&view, &plan(&view)).into_iter().max() <= before);
    }

    /// Graham's bound for orphans alone: at most a third above the level plus what one heaviest
    /// lease forces.
    #[test]
    fn a_cold_start_is_within_a_third_of_the_best(
        weights in prop::collection::vec(1..999_u64, 1..60),
    ) {
        let mut view = weighing(&[&[], &[], &[], &[]], TENTH);
        view.leases = weights.iter().enumerate().map(|(number, weight)| {
            let mut orphan = lease(number, None);
            orphan.weight = Some(*weight);
            orphan
        }).collect();
        let highest = loads(&view, &plan(&view)).into_iter().max().unwrap();
        let mut heaviest = weights;
        heaviest.sort_unstable_by(|a, b| b.cmp(a));
        // Of five leases for four workers two must share one.
        let pair = heaviest.get(3).zip(heaviest.get(4)).map_or(0, |(a, b)| a + b);
        let best_possible = average(&view).max(heaviest[0]).max(pair);
        prop_assert!(3 * highest <= 4 * best_possible + 3, "{highest} of at least {best_possible}");
    }

    #[test]
    fn the_heaviest_weights_there_are_do_no_harm(held in prop::collection::vec(0..4_usize, 1..5)) {
        let weights: Vec<Vec<u64>> = held.iter().map(|n| vec![u64::MAX; *n]).collect();
        let view = view_of(&weights, Weighting { hysteresis_percent: u32::MAX, floor: u64::MAX });
        prop_assert_eq!(plan(&view).moves, 0);
        let view = view_of(&weights, TENTH);
        prop_assert!(plan(&view).unassigned.is_empty());
    }
}
