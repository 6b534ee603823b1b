//! The operator's marks for single workers and leases.

use proptest::prelude::*;

use super::worlds::{any_view, carried_out, holding, rule_for_all, worker_id};
use crate::assignment::{
    Balance, Reason, View, WorkerIndex,
    placement::{Mode, PlacementRules, Uncovered},
    plan,
};

fn reasons(view: &View) -> Vec<(usize, Reason)> {
    plan(view).unassigned.into_iter().map(|one| (one.lease, one.reason)).collect()
}

/// Any view, in which some leases are paused, to be released, or sent to a worker.
fn marked_view() -> impl Strategy<Value = View> {
    let marks = prop::collection::vec((any::<bool>(), any::<bool>(), 0..12_usize), 60);
    (any_view(Balance::Even), marks, any::<bool>()).prop_map(|(mut view, marks, frozen)| {
        view.frozen = frozen;
        for (lease, (paused, let_go, to)) in view.leases.iter_mut().zip(marks) {
            lease.paused = paused && to < 4;
            lease.let_go = let_go && to < 8;
            lease.sent_to = (to < 6).then(|| WorkerIndex::new(to));
            if lease.let_go {
                lease.avoid = lease.holder;
            }
        }
        view
    })
}

proptest! {
    #[test]
    fn whatever_is_marked_every_lease_has_a_seat_or_a_reason_and_what_is_paused_has_none(
        view in marked_view(),
    ) {
        let plan = plan(&view);
        let mut counts = vec![0; view.workers.len()];
        plan.seats.iter().flatten().for_each(|seat| counts[seat.get()] += 1);
        prop_assert_eq!(&counts, &plan.counts);
        for (at, (lease, seat)) in view.leases.iter().zip(&plan.seats).enumerate() {
            let mut told = plan.unassigned.iter().filter(|one| one.lease == at);
            let reason = told.next().map(|one| &one.reason);
            prop_assert_eq!(seat.is_none(), reason.is_some());
            prop_assert!(told.next().is_none(), "it is told twice");
            prop_assert_eq!(lease.paused, reason == Some(&Reason::Paused));
            let holder = lease.holder.filter(|holder| holder.get() < view.workers.len());
            if view.frozen && !lease.paused && holder.is_some() {
                prop_assert_eq!(holder, *seat, "a frozen fleet is moved by nobody");
            } else if lease.let_go && holder.is_some() {
                prop_assert!(holder != *seat, "its holder is to let go of it");
            }
        }
    }
}

#[test]
fn a_drained_worker_is_told_from_one_that_is_not_there() {
    let mut view = holding(&[1, 1], 0);
    view.rules = rule_for_all(7, Mode::Require);
    view.leases[0].rule = Some(0);
    view.drained.insert(worker_id(7));
    let drained = Reason::RequiredWorkerDrained { worker: worker_id(7) };
    assert_eq!(reasons(&view), [(0, drained.clone())]);
    assert!(drained.to_string().contains("w-0007") && drained.to_string().contains("undrain"));
}

#[test]
fn where_every_worker_that_lives_is_drained_that_is_the_reason() {
    let mut view = holding(&[], 2);
    assert_eq!(reasons(&view), [(0, Reason::NoWorker), (1, Reason::NoWorker)]);
    view.drained.insert(worker_id(0));
    assert_eq!(reasons(&view), [(0, Reason::AllDrained), (1, Reason::AllDrained)]);
}

#[test]
fn a_paused_lease_takes_no_seat_and_counts_in_no_share() {
    let mut view = holding(&[4, 0], 0);
    view.limits.fair_share = true;
    view.leases[0].paused = true;
    view.leases[1].paused = true;
    let plan = plan(&view);
    assert_eq!((&plan.counts, plan.seats[0], plan.seats[1]), (&vec![1, 1], None, None));
    assert_eq!(reasons(&view), [(0, Reason::Paused), (1, Reason::Paused)]);
    view.frozen = true;
    assert_eq!(reasons(&view).len(), 2, "also where nothing moves");
}

#[test]
fn what_is_let_go_goes_to_another_and_if_there_is_none_to_nobody_for_now() {
    let mut view = holding(&[2, 2], 0);
    (view.leases[0].let_go, view.leases[0].avoid) = (true, view.leases[0].holder);
    let made = plan(&view);
    assert_eq!((made.seats[0], &made.counts), (Some(WorkerIndex::new(1)), &vec![2, 2]));
    let mut lone = holding(&[2], 0);
    (lone.leases[0].let_go, lone.leases[0].avoid) = (true, lone.leases[0].holder);
    assert_eq!((plan(&lone).counts, reasons(&lone)), (vec![1], vec![(0, Reason::LetGo)]));
    // A rule that requires the holder does not keep the lease there: it is released, and may start
    // again.
    let mut ruled = holding(&[2, 0], 0);
    ruled.rules = rule_for_all(0, Mode::Require);
    ruled.leases[0].rule = Some(0);
    (ruled.leases[0].let_go, ruled.leases[0].avoid) = (true, ruled.leases[0].holder);
    assert_eq!(reasons(&ruled), [(0, Reason::LetGo)]);
}

#[test]
fn a_lease_that_is_sent_goes_there_whatever_its_rule_prefers_but_not_what_it_requires() {
    let sent = |mode| {
        let mut view = holding(&[2, 2, 0], 0);
        view.rules = rule_for_all(1, mode);
        view.leases[0].rule = Some(0);
        view.leases[0].sent_to = Some(WorkerIndex::new(2));
        plan(&view).seats[0]
    };
    assert_eq!(sent(Mode::Prefer), Some(WorkerIndex::new(2)));
    assert_eq!(sent(Mode::Require), Some(WorkerIndex::new(1)));
    let mut full = holding(&[1, 1], 0);
    full.limits.per_worker = Some(1);
    full.leases[0].sent_to = Some(WorkerIndex::new(1));
    assert_eq!(plan(&full).moves, 2, "somebody else makes room");
}

#[test]
fn where_nothing_is_balanced_the_operator_moves_leases_and_a_frozen_fleet_keeps_them() {
    let mut view = holding(&[3, 0, 0], 0);
    view.balance = Balance::Keep;
    view.leases[0].sent_to = Some(WorkerIndex::new(2));
    (view.leases[1].let_go, view.leases[1].avoid) = (true, view.leases[1].holder);
    let made = plan(&view);
    assert_eq!((made.moves, made.seats[0]), (2, Some(WorkerIndex::new(2))));
    assert_eq!(made.seats[2], Some(WorkerIndex::new(0)), "of this one nothing was said");
    assert_eq!(plan(&carried_out(&view, &made)).seats[0], Some(WorkerIndex::new(2)));
    view.frozen = true;
    assert_eq!(plan(&view).moves, 0);
}

#[test]
fn what_no_rule_covers_and_is_held_back_is_not_sent_anywhere() {
    let mut view = holding(&[1, 0], 0);
    view.rules = PlacementRules::new(Vec::new(), Uncovered::Hold).unwrap();
    view.leases[0].sent_to = Some(WorkerIndex::new(1));
    assert_eq!(reasons(&view), [(0, Reason::HeldBack)]);
}
