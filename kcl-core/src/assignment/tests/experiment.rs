//! The published experiment of dynamic limits: 20 shards are resharded to 30 while 3 pods become
//! 5, no pod takes more than min(10, ⌈shards/pods⌉); in both orders, and with too few pods.

use super::worlds::{carried_out, holding, lease, sorted, worker};
use crate::assignment::{Limits, Plan, Reason, View, WorkerIndex, plan};

const LIMITS: Limits = Limits { per_worker: Some(10), fair_share: true };

/// The fleet as it is, and what its last plan said.
struct Fleet {
    view: View,
    plan: Plan,
}

impl Fleet {
    fn start(shards: usize, pods: usize) -> Self {
        let mut view = holding(&vec![0; pods], shards);
        view.limits = LIMITS;
        Self::planned(&view)
    }

    fn planned(view: &View) -> Self {
        let plan = plan(view);
        let view = carried_out(view, &plan);
        assert_eq!(super::super::plan(&view).moves, 0, "a plan that was carried out is final");
        Self { view, plan }
    }

    fn with_pods(self, pods: usize) -> Self {
        let mut view = self.view;
        view.workers = (0..pods).map(worker).collect();
        Self::planned(&view)
    }

    /// Ten shards are split; their children know who held their parents.
    fn with_ten_splits(self) -> Self {
        let mut view = self.view;
        let mut split = view.leases.len();
        for parent in view.leases.drain(..10).collect::<Vec<_>>() {
            for _ in 0..2 {
                let mut child = lease(split, None);
                child.parent_holder = parent.holder;
                view.leases.push(child);
                split += 1;
            }
        }
        Self::planned(&view)
    }

    fn counts(&self) -> Vec<usize> {
        sorted(&self.plan.counts)
    }
}

#[test]
fn twenty_shards_and_three_pods_strand_no_shard() {
    let fleet = Fleet::start(20, 3);
    assert_eq!((fleet.counts(), fleet.plan.moves), (vec![7, 7, 6], 0));
    assert_eq!(fleet.plan.unassigned, []);
}

#[test]
fn pods_first_then_shards() {
    let fleet = Fleet::start(20, 3).with_pods(5);
    assert_eq!((fleet.counts(), fleet.plan.moves), (vec![4; 5], 8));
    let fleet = fleet.with_ten_splits();
    assert_eq!((fleet.counts(), fleet.plan.moves), (vec![6; 5], 0));
}

#[test]
fn shards_first_then_pods() {
    let fleet = Fleet::start(20, 3).with_ten_splits();
    assert_eq!((fleet.counts(), fleet.plan.moves), (vec![10; 3], 0));
    let fleet = fleet.with_pods(5);
    assert_eq!((fleet.counts(), fleet.plan.moves), (vec![6; 5], 12));
}

#[test]
fn two_pods_leave_ten_of_thirty_shards_and_say_so_until_a_third_comes() {
    let fleet = Fleet::start(20, 3).with_ten_splits().with_pods(2);
    assert_eq!((fleet.counts(), fleet.plan.moves), (vec![10; 2], 0));
    assert_eq!(fleet.plan.unassigned.len(), 10);
    assert!(fleet.plan.unassigned.iter().all(|one| one.reason == Reason::LimitReached));
    let fleet = fleet.with_pods(3);
    assert_eq!((fleet.counts(), fleet.plan.moves), (vec![10; 3], 0));
    assert_eq!(fleet.plan.unassigned, []);
}

#[test]
fn a_tenth_more_workers_take_a_tenth_of_the_leases_and_no_more_move() {
    let mut view = carried_out_evenly(1_000, 20);
    view.workers.extend((20..22).map(worker));
    let joined = plan(&view);
    // 1,000 among 22: ten get 46, twelve get 45.
    assert_eq!(joined.moves, 20 * 50 - (10 * 46 + 10 * 45));
    assert_eq!(sorted(&joined.counts), [vec![46; 10], vec![45; 12]].concat());
}

#[test]
fn when_a_worker_dies_only_its_leases_change_hands() {
    let mut view = carried_out_evenly(1_000, 20);
    view.workers.pop();
    let failed_over = plan(&view);
    assert_eq!(failed_over.moves, 0);
    for (lease, seat) in view.leases.iter().zip(&failed_over.seats) {
        let dead = WorkerIndex::new(19);
        assert!(lease.holder == *seat || lease.holder == Some(dead));
    }
}

fn carried_out_evenly(leases: usize, workers: usize) -> View {
    let view = holding(&vec![0; workers], leases);
    let plan = plan(&view);
    carried_out(&view, &plan)
}
