//! Plans, asked for by hand: what a simulated fleet, whose views are always in order, cannot show.

use std::time::Duration;

use kcl_core::{
    assignment::{
        Balance, LeaseView, Plan, View, Weighting, WorkerIndex, WorkerView,
        placement::{Mode, PlacementRules, Resolver, Rule, Target, Uncovered},
        plan,
    },
    env::WallTime,
    lease::WorkerId,
    lineage::Lineage,
    stream::{HashRange, Shard, StreamKey},
};

fn worker_id(number: usize) -> WorkerId {
    format!("w-{number}").parse().unwrap()
}

/// `leases` leases that nobody holds, and `workers` workers.
fn view(workers: usize, leases: usize) -> View {
    let lease = |n| LeaseView::new(format!("orders/1/shardId-{n:012}").parse().unwrap());
    let worker = |n| WorkerView::new(worker_id(n));
    View::new((0..leases).map(lease).collect(), (0..workers).map(worker).collect())
}

/// The view once the plan has been carried out.
fn carried_out(mut view: View, plan: &Plan) -> View {
    for (lease, seat) in view.leases.iter_mut().zip(&plan.seats) {
        lease.holder = *seat;
    }
    view
}

/// Who gets which lease, by names.
fn seats(view: &View) -> Vec<(String, Option<WorkerId>)> {
    let plan = plan(view);
    let name = |seat: &Option<WorkerIndex>| seat.map(|at| view.workers[at.get()].id.clone());
    let keys = view.leases.iter().map(|lease| lease.key.to_string());
    let mut seats: Vec<_> = keys.zip(plan.seats.iter().map(name)).collect();
    seats.sort();
    seats
}

#[test]
pub(crate) fn the_order_of_the_input_does_not_matter() {
    let there = view(3, 10);
    let mut and_back = there.clone();
    and_back.leases.reverse();
    and_back.workers.reverse();
    assert_eq!(seats(&there), seats(&and_back));
}

#[test]
pub(crate) fn a_required_worker_is_waited_for() {
    let mut view = view(2, 4);
    let rule = Rule::new(Target::Range(HashRange::ALL), worker_id(9), Mode::Require);
    view.rules = PlacementRules::new(vec![rule], Uncovered::Balance).unwrap();
    view.leases[1].rule = Some(0);
    let plan = plan(&view);
    assert_eq!(plan.seats[1], None, "nobody else may have it");
    assert_eq!(plan.unassigned.len(), 1);
}

#[test]
pub(crate) fn a_lease_is_not_given_back_to_who_made_no_progress() {
    let mut view = view(2, 2);
    for lease in &mut view.leases {
        lease.avoid = Some(WorkerIndex::new(0));
    }
    view.leases.pop();
    assert_eq!(plan(&view).seats, [Some(WorkerIndex::new(1))]);
}

#[test]
pub(crate) fn a_small_difference_in_load_moves_nothing() {
    let mut view = view(2, 20);
    view.balance = Balance::Weighted(Weighting::default());
    for lease in &mut view.leases {
        lease.weight = Some(100_000);
    }
    let first = plan(&view);
    let mut later = carried_out(view, &first);
    // One worker is busier by half a lease, and could give up a small one.
    let mine = later.leases.iter_mut().filter(|lease| lease.holder == Some(WorkerIndex::new(0)));
    for (lease, weight) in mine.zip([10_000, 240_000]) {
        lease.weight = Some(weight);
    }
    assert_eq!(plan(&later).moves, 0);
}

#[test]
pub(crate) fn children_join_the_holder_of_their_parent() {
    let mut view = view(3, 6);
    for (n, lease) in view.leases.iter_mut().enumerate() {
        lease.parent_holder = Some(WorkerIndex::new(2 - n % 3));
    }
    let plan = plan(&view);
    let with_parent = view.leases.iter().zip(&plan.seats);
    assert!(with_parent.into_iter().all(|(lease, seat)| *seat == lease.parent_holder));
}

#[test]
pub(crate) fn who_gets_no_seat_is_told() {
    let mut view = view(2, 10);
    view.limits.per_worker = Some(3);
    view.leases[7].lag = Some(Duration::from_secs(1));
    let plan = plan(&view);
    assert_eq!(plan.unassigned.len(), 4);
    assert_eq!(plan.seats.iter().filter(|seat| seat.is_none()).count(), 4);
}

#[test]
pub(crate) fn what_shards_inherited_goes_with_their_stream() {
    let shard = Shard::open("shardId-000000000007".parse().unwrap(), HashRange::ALL);
    let life = |number| StreamKey::new("orders", WallTime::from_millis(number));
    let mut rule = Rule::new(Target::Shard(shard.id.clone()), worker_id(1), Mode::Require);
    rule.created = Some(life(1).created);
    let rules = PlacementRules::new(vec![rule], Uncovered::Balance).unwrap();
    for (life, ruled) in [(life(1), true), (life(2), false)] {
        let shards = [shard.clone()];
        let lineage = Lineage::new(&life, &shards, &[]);
        assert_eq!(Resolver::new(&rules, &lineage).resolve(&shard.id).is_some(), ruled);
    }
}

#[test]
pub(crate) fn the_children_of_a_shard_with_a_rule_are_not_taken() {
    let shard = Shard::open("shardId-000000000007".parse().unwrap(), HashRange::ALL);
    let stream = StreamKey::new("orders", WallTime::from_millis(1));
    let rule = Rule::new(Target::Shard(shard.id.clone()), worker_id(1), Mode::Prefer);
    let rules = PlacementRules::new(vec![rule], Uncovered::Balance).unwrap();
    let shards = [shard];
    let lineage = Lineage::new(&stream, &shards, &[]);
    assert!(Resolver::new(&rules, &lineage).taking().is_empty());
}
