//! Properties of every plan.

use std::{collections::BTreeMap, time::Duration};

use proptest::prelude::*;

use super::worlds::{
    any_view, carried_out, holding, lease, rule_for_all, sorted, worker, worker_id,
};
use crate::{
    assignment::{
        Balance, Plan, Reason, View, Weighting, WorkerIndex,
        placement::{Mode, PlacementRules, Uncovered},
        plan,
    },
    lease::{LeaseKey, WorkerId},
};

const WEIGHTED: Balance = Balance::Weighted(Weighting { hysteresis_percent: 10, floor: 2 });

fn view_and_balance() -> impl Strategy<Value = View> {
    prop_oneof![any_view(Balance::Even), any_view(WEIGHTED)]
}

/// The worker of each lease, whatever the order of the view.
fn by_name(view: &View, plan: &Plan) -> BTreeMap<LeaseKey, Option<WorkerId>> {
    let name = |seat: &Option<WorkerIndex>| seat.map(|seat| view.workers[seat.get()].id.clone());
    let leases = view.leases.iter().zip(&plan.seats);
    leases.map(|(lease, seat)| (lease.key.clone(), name(seat))).collect()
}

/// The same view with its leases and workers in another order.
fn shuffled(view: &View, leases: &[usize], workers: &[usize]) -> View {
    let place = |worker: Option<WorkerIndex>| {
        let at = |worker: WorkerIndex| workers.iter().position(|from| *from == worker.get());
        worker.map(|worker| WorkerIndex::new(at(worker).unwrap_or(usize::MAX)))
    };
    let mut next = view.clone();
    next.leases = leases.iter().map(|from| view.leases[*from].clone()).collect();
    next.workers = workers.iter().map(|from| view.workers[*from].clone()).collect();
    for lease in &mut next.leases {
        lease.holder = place(lease.holder);
        lease.parent_holder = place(lease.parent_holder);
        lease.avoid = place(lease.avoid);
    }
    next
}

fn with_shuffles(view: View) -> impl Strategy<Value = (View, Vec<usize>, Vec<usize>)> {
    let leases: Vec<usize> = (0..view.leases.len()).collect();
    let workers: Vec<usize> = (0..view.workers.len()).collect();
    (Just(view), Just(leases).prop_shuffle(), Just(workers).prop_shuffle())
}

proptest! {
    #[test]
    fn every_lease_has_a_seat_or_a_reason(view in view_and_balance()) {
        let plan = plan(&view);
        let mut without: Vec<usize> = plan.unassigned.iter().map(|one| one.lease).collect();
        without.sort_unstable();
        let seatless: Vec<usize> =
            (0..view.leases.len()).filter(|lease| plan.seats[*lease].is_none()).collect();
        prop_assert_eq!(without, seatless);
        let mut counts = vec![0; view.workers.len()];
        plan.seats.iter().flatten().for_each(|seat| counts[seat.get()] += 1);
        prop_assert_eq!(counts, plan.counts);
    }

    #[test]
    fn no_limit_is_exceeded_and_no_seat_is_left_while_a_lease_could_have_it(
        view in view_and_balance(),
    ) {
        let plan = plan(&view);
        let share = view.leases.len().div_ceil(view.workers.len().max(1));
        let mut open = 0;
        for (worker, count) in view.workers.iter().zip(&plan.counts) {
            let fixed = [worker.capacity, view.limits.per_worker];
            let fixed = fixed.into_iter().flatten().map(|limit| limit as usize);
            let share = view.limits.fair_share.then_some(share);
            let limit = fixed.chain(share).min().unwrap_or(usize::MAX);
            prop_assert!(*count <= limit, "{worker:?} gets {count}");
            open += usize::from(*count < limit);
        }
        let has_nowhere = plan.unassigned.iter().any(|one| one.reason == Reason::LimitReached);
        prop_assert!(!has_nowhere || open == 0);
    }

    #[test]
    fn rules_are_kept(view in view_and_balance()) {
        let plan = plan(&view);
        for (at, (lease, seat)) in view.leases.iter().zip(&plan.seats).enumerate() {
            let rule = lease.rule.and_then(|rule| view.rules.rules().get(rule as usize));
            let Some(rule) = rule.filter(|rule| rule.mode == Mode::Require) else { continue };
            match seat {
                Some(seat) => prop_assert_eq!(&view.workers[seat.get()].id, &rule.worker),
                None => {
                    let why = plan.unassigned.iter().find(|one| one.lease == at).unwrap();
                    let worker = rule.worker.clone();
                    let lives = view.workers.iter().any(|other| other.id == worker);
                    prop_assert_eq!(&why.reason, &if lives {
                        Reason::RequiredWorkerFull { worker }
                    } else {
                        Reason::RequiredWorkerAbsent { worker }
                    });
                }
            }
        }
    }

    #[test]
    fn nothing_that_is_held_moves_in_a_frozen_fleet_and_the_rest_has_a_seat_or_a_reason(
        mut view in view_and_balance(),
    ) {
        view.frozen = true;
        let plan = plan(&view);
        prop_assert_eq!(plan.moves, 0);
        for (at, (lease, seat)) in view.leases.iter().zip(&plan.seats).enumerate() {
            let holder = lease.holder.filter(|holder| holder.get() < view.workers.len());
            prop_assert!(holder.is_none() || holder == *seat);
            let is_told = plan.unassigned.iter().any(|one| one.lease == at);
            prop_assert_eq!(seat.is_none(), is_told);
        }
    }

    #[test]
    fn the_order_of_the_view_does_not_matter(
        (view, leases, workers) in view_and_balance().prop_flat_map(with_shuffles),
    ) {
        let other = shuffled(&view, &leases, &workers);
        let (a, b) = (plan(&view), plan(&other));
        prop_assert_eq!(by_name(&view, &a), by_name(&other, &b));
        let keys = |view: &View, plan: &Plan| -> Vec<(LeaseKey, Reason)> {
            let named = plan.unassigned.iter();
            named.map(|one| (view.leases[one.lease].key.clone(), one.reason.clone())).collect()
        };
        prop_assert_eq!(keys(&view, &a), keys(&other, &b));
        prop_assert_eq!(a.moves, b.moves);
    }

    #[test]
    fn other_names_give_as_good_a_plan(
        (mut view, leases, workers) in any_view(Balance::Even).prop_flat_map(with_shuffles),
    ) {
        // If too many leases prefer one worker, their names decide which it gets.
        view.rules = PlacementRules::default();
        let mut other = view.clone();
        for (lease, name) in other.leases.iter_mut().zip(leases) {
            lease.key = view.leases[name].key.clone();
        }
        for (worker, name) in other.workers.iter_mut().zip(workers) {
            worker.id = view.workers[name].id.clone();
        }
        let (a, b) = (plan(&view), plan(&other));
        prop_assert_eq!(sorted(&a.counts), sorted(&b.counts));
        prop_assert_eq!(a.unassigned.len(), b.unassigned.len());
        if a.unassigned.is_empty() {
            prop_assert_eq!(a.moves, b.moves);
        }
    }

    #[test]
    fn an_even_plan_that_was_carried_out_moves_nothing(view in any_view(Balance::Even)) {
        let made = plan(&view);
        let again = plan(&carried_out(&view, &made));
        prop_assert_eq!(again.seats, made.seats);
        prop_assert_eq!(again.moves, 0);
    }

    /// The least a fleet must move: of the counts above their targets, where the fullest workers
    /// get the higher targets.
    #[test]
    fn counts_differ_by_one_at_most_and_the_moves_are_the_least(
        held in prop::collection::vec(0..30_usize, 1..40),
        orphans in 0..60_usize,
    ) {
        let view = holding(&held, orphans);
        let plan = plan(&view);
        let (most, least) = (plan.counts.iter().max(), plan.counts.iter().min());
        prop_assert!(most.unwrap() - least.unwrap() <= 1);
        let (share, spare) = (view.leases.len() / held.len(), view.leases.len() % held.len());
        let above = |(rank, held): (usize, &usize)| {
            held.saturating_sub(share + usize::from(rank < spare))
        };
        let bound: usize = sorted(&held).iter().enumerate().map(above).sum();
        prop_assert_eq!(plan.moves, bound);
    }

    /// Two events at once cost no more than the bound either, and nothing moves twice.
    #[test]
    fn whoever_is_below_its_share_gives_nothing_up(
        held in prop::collection::vec(0..30_usize, 1..20),
        orphans in 0..30_usize,
    ) {
        let view = holding(&held, orphans);
        let plan = plan(&view);
        for (worker, held) in held.iter().enumerate() {
            let gives_up = view.leases.iter().zip(&plan.seats).any(|(lease, seat)| {
                lease.holder == Some(WorkerIndex::new(worker)) && lease.holder != *seat
            });
            prop_assert!(!gives_up || *held > plan.counts[worker]);
        }
    }
}

#[test]
fn without_workers_every_lease_says_so() {
    let plan = plan(&holding(&[], 3));
    let reasons: Vec<&Reason> = plan.unassigned.iter().map(|one| &one.reason).collect();
    assert_eq!(reasons, [&Reason::NoWorker; 3]);
}

#[test]
fn a_required_worker_is_waited_for_and_named() {
    let mut view = holding(&[2, 2], 0);
    view.rules = rule_for_all(7, Mode::Require);
    view.leases[0].rule = Some(0);
    let plan = plan(&view);
    let reason = Reason::RequiredWorkerAbsent { worker: worker_id(7) };
    assert_eq!(plan.unassigned.len(), 1);
    assert_eq!(plan.unassigned[0].reason, reason);
    assert!(reason.to_string().contains("w-0007"));
}

#[test]
fn a_preferred_worker_is_replaced_while_it_is_away_and_gets_its_leases_back() {
    let mut view = holding(&[0, 0], 4);
    view.rules = rule_for_all(2, Mode::Prefer);
    view.leases[0].rule = Some(0);
    view.leases[1].rule = Some(0);
    let away = plan(&view);
    assert_eq!((away.unassigned.len(), &away.counts), (0, &vec![2, 2]));
    let mut back = carried_out(&view, &away);
    back.workers.push(worker(2));
    let back = plan(&back);
    assert_eq!(back.seats[..2], [Some(WorkerIndex::new(2)); 2]);
    assert_eq!(back.counts, [1, 1, 2]);
    assert_eq!(back.moves, 2);
}

#[test]
fn a_lease_returns_to_a_worker_that_has_only_just_come_later_and_meanwhile_stays() {
    let mut view = holding(&[3, 0], 2);
    view.rules = rule_for_all(1, Mode::Prefer);
    for lease in [0, 3] {
        view.leases[lease].rule = Some(0);
    }
    view.workers[1].is_settled = false;
    let first = plan(&view);
    assert_eq!(first.seats[0], Some(WorkerIndex::new(0)), "it stays where it is");
    assert_eq!(first.seats[3], Some(WorkerIndex::new(1)), "nobody holds it: it goes there at once");
    let mut later = carried_out(&view, &first);
    later.workers[1].is_settled = true;
    assert_eq!(plan(&later).seats[0], Some(WorkerIndex::new(1)));
    // A lease that makes no progress where it is does not wait for the return.
    view.leases[0].avoid = Some(WorkerIndex::new(0));
    assert_eq!(plan(&view).seats[0], Some(WorkerIndex::new(1)));
}

#[test]
fn a_frozen_fleet_keeps_what_it_holds_whatever_rules_and_limits_say() {
    for (balance, frozen) in [(Balance::Keep, false), (Balance::Even, true), (WEIGHTED, true)] {
        let mut view = holding(&[4, 0, 0], 2);
        (view.balance, view.frozen) = (balance, frozen);
        view.limits.per_worker = Some(3);
        view.rules = rule_for_all(1, Mode::Require);
        view.leases[0].rule = Some(0);
        view.leases[1].avoid = Some(WorkerIndex::new(0));
        view.leases[4].rule = Some(0);
        let plan = plan(&view);
        assert_eq!((plan.moves, &plan.counts), (0, &vec![4, 1, 1]), "{balance:?}");
        assert_eq!(plan.seats[4], Some(WorkerIndex::new(1)), "a rule holds for what is free");
    }
}

#[test]
fn of_too_many_leases_for_a_preferred_worker_those_that_would_have_to_move_stay() {
    let mut view = holding(&[0, 1], 1);
    view.rules = rule_for_all(0, Mode::Prefer);
    view.leases.iter_mut().for_each(|lease| lease.rule = Some(0));
    view.limits.per_worker = Some(1);
    let plan = plan(&view);
    assert_eq!((plan.moves, plan.seats[1]), (0, Some(WorkerIndex::new(0))));
}

#[test]
fn pinned_leases_count_and_the_others_fill_up_around_them() {
    let mut view = holding(&[0, 0, 0], 12);
    view.rules = rule_for_all(0, Mode::Require);
    view.leases.iter_mut().take(6).for_each(|lease| lease.rule = Some(0));
    assert_eq!(plan(&view).counts, [6, 3, 3]);
}

#[test]
fn leases_no_rule_covers_are_held_if_the_rules_say_so() {
    let mut view = holding(&[2], 0);
    view.rules = PlacementRules::new(Vec::new(), Uncovered::Hold).unwrap();
    let plan = plan(&view);
    assert!(plan.unassigned.iter().all(|one| one.reason == Reason::HeldBack));
    assert_eq!((plan.unassigned.len(), plan.moves), (2, 2));
}

#[test]
fn where_seats_are_short_held_leases_keep_theirs_and_the_most_lagging_are_next() {
    let mut view = holding(&[1], 4);
    view.limits.per_worker = Some(3);
    for (lease, lag) in view.leases.iter_mut().zip([Some(0), Some(5), Some(90), None, Some(7)]) {
        lease.lag = lag.map(Duration::from_secs);
    }
    let plan = plan(&view);
    let left: Vec<usize> = plan.unassigned.iter().map(|one| one.lease).collect();
    assert_eq!(left, [4, 1], "the most lagging of those that wait come first");
    assert!(plan.seats[0].is_some() && plan.seats[2].is_some() && plan.seats[3].is_some());
}

#[test]
fn a_lease_its_worker_makes_no_progress_on_goes_elsewhere_and_stays_there() {
    let mut view = holding(&[2, 2], 0);
    view.leases[0].avoid = view.leases[0].holder;
    let moved = plan(&view);
    assert_eq!(moved.seats[0], Some(WorkerIndex::new(1)));
    assert_eq!((&moved.counts, moved.moves), (&vec![2, 2], 2));
    assert_eq!(plan(&carried_out(&view, &moved)).moves, 0);
}

#[test]
fn a_lone_worker_gets_even_what_should_avoid_it() {
    let mut view = holding(&[2], 0);
    view.leases[0].avoid = view.leases[0].holder;
    assert_eq!((plan(&view).counts, plan(&view).moves), (vec![2], 0));
}

#[test]
fn orphans_prefer_the_holder_of_their_parent_where_counts_allow() {
    let mut view = holding(&[1, 1, 1], 3);
    view.leases[3].parent_holder = Some(WorkerIndex::new(2));
    view.leases[4].parent_holder = Some(WorkerIndex::new(2));
    let plan = plan(&view);
    assert_eq!(plan.counts, [2, 2, 2]);
    assert_eq!(plan.seats[3], Some(WorkerIndex::new(2)));
    // Of four seats for seven, the spare one goes where the parents were.
    let mut view = holding(&[1, 1, 1], 1);
    view.leases[3].parent_holder = Some(WorkerIndex::new(1));
    assert_eq!(super::super::plan(&view).seats[3], Some(WorkerIndex::new(1)));
}

#[test]
fn each_streams_shards_are_spread_over_all_workers_and_over_those_that_join() {
    let shard_of = |stream: usize, number: usize| {
        let mut shard = lease(number, None);
        shard.key = format!("stream-{stream}/1/shardId-{number}").parse().unwrap();
        shard
    };
    let shards = (0..10).flat_map(|stream| (0..40).map(move |number| shard_of(stream, number)));
    let view = View::new(shards.collect(), (0..10).map(worker).collect());
    let per_stream = |plan: &Plan, worker: usize| -> Vec<usize> {
        let is_there = |seat: &&Option<WorkerIndex>| **seat == Some(WorkerIndex::new(worker));
        plan.seats.chunks(40).map(|seats| seats.iter().filter(is_there).count()).collect()
    };
    let made = plan(&view);
    for worker in 0..10 {
        assert_eq!(per_stream(&made, worker), [4; 10]);
    }
    let mut joined = carried_out(&view, &made);
    joined.workers.push(worker(10));
    let joined = plan(&joined);
    let newcomer = per_stream(&joined, 10);
    assert_eq!(newcomer.iter().sum::<usize>(), joined.moves);
    assert!(newcomer.iter().all(|shards| *shards <= 6), "{newcomer:?}");
}
