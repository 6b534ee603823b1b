//! Tests of the judgement of the fleet: when it is in balance again after a cue, and how many
//! leases moved until then.

use kcl_core::lease::Epoch;

use super::world::name;
use crate::demo::{
    facts::{Cue, Event, History, Millis, Split, Turn, WorkerNo},
    judge::{EventReport, fleet::judge},
};

const A: WorkerNo = WorkerNo(1);
const B: WorkerNo = WorkerNo(2);

/// Two workers with two shards each, balanced 5 ms after their start.
fn two_by_two() -> History {
    let mut history = History { over: 1_000, ..History::default() };
    let shards = (0..4).map(name).collect();
    history.events.push(Event { cue: Cue::Start(vec![A, B], shards), at: 10 });
    for (shard, worker, at) in [(0, A, 11), (1, A, 12), (2, B, 13), (3, B, 15)] {
        gain(&mut history, shard, worker, 1, at);
    }
    history
}

fn turn(
    history: &mut History,
    shard: usize,
    worker: WorkerNo,
    epoch: u64,
    gained: bool,
    at: Millis,
) {
    let epoch = Epoch(epoch);
    history.turns.push(Turn { worker, shard: name(shard), epoch, gained, at });
}

fn gain(history: &mut History, shard: usize, worker: WorkerNo, epoch: u64, at: Millis) {
    turn(history, shard, worker, epoch, true, at);
}

fn last(history: &History) -> EventReport {
    judge(history).pop().unwrap()
}

#[test]
fn balance_is_when_the_last_lease_came() {
    let report = last(&two_by_two());
    assert_eq!((report.balanced_after_ms, report.moves, report.optimum), (Some(5), 0, 0));
    assert!(report.problems().is_empty());
}

#[test]
fn balance_that_does_not_last_counts_from_when_it_came_back() {
    let mut history = two_by_two();
    turn(&mut history, 0, A, 1, false, 100);
    gain(&mut history, 0, A, 2, 140);
    let report = last(&history);
    assert_eq!((report.balanced_after_ms, report.moves), (Some(130), 0));
}

#[test]
fn a_join_takes_as_many_moves_as_the_new_worker_gets() {
    let mut history = two_by_two();
    history.events.push(Event { cue: Cue::Join(vec![WorkerNo(3)]), at: 100 });
    turn(&mut history, 0, A, 1, false, 110);
    gain(&mut history, 0, WorkerNo(3), 2, 112);
    let report = last(&history);
    assert_eq!((report.balanced_after_ms, report.moves, report.optimum), (Some(12), 1, 1));
    // The lease moves back and again to the new worker.
    gain(&mut history, 0, A, 3, 120);
    gain(&mut history, 0, WorkerNo(3), 4, 121);
    let report = last(&history);
    assert_eq!((report.moves, report.optimum), (3, 1));
    assert_eq!(report.problems(), ["3 leases moved after the join, 1 had to"]);
}

#[test]
fn a_loss_that_is_told_after_the_next_owners_gain_changes_nothing() {
    let mut history = two_by_two();
    history.events.push(Event { cue: Cue::Join(vec![WorkerNo(3)]), at: 100 });
    gain(&mut history, 0, WorkerNo(3), 2, 110);
    turn(&mut history, 0, A, 1, false, 111);
    assert_eq!(last(&history).balanced_after_ms, Some(10));
}

#[test]
fn leases_of_the_dead_are_no_moves_and_must_be_read_again() {
    let mut history = two_by_two();
    history.events.push(Event { cue: Cue::Crash(A), at: 100 });
    // A late event of the crashed worker does not count.
    gain(&mut history, 1, A, 9, 101);
    gain(&mut history, 0, B, 2, 600);
    gain(&mut history, 1, B, 2, 700);
    let report = last(&history);
    assert_eq!((report.balanced_after_ms, report.moves, report.optimum), (Some(600), 0, 0));
    assert_eq!((report.read_again_after_ms, report.unread), (None, 2));
    assert_eq!(report.problems(), ["2 shards were not read again after the crash"]);
}

#[test]
fn a_fleet_that_leaves_a_lease_unread_is_not_balanced() {
    let mut history = two_by_two();
    history.events.push(Event { cue: Cue::Leave(A), at: 100 });
    gain(&mut history, 0, B, 2, 200);
    let report = last(&history);
    assert_eq!(report.balanced_after_ms, None);
    assert!(report.problems()[0].contains("not balanced after the leave"));
}

#[test]
fn children_count_for_the_owner_of_their_parent() {
    let mut history = two_by_two();
    let split = |parent, child| Split {
        parent: name(parent),
        children: vec![name(child), name(child + 1)],
    };
    // Both shards of A are split: it then holds four of six leases, and one must move.
    history.events.push(Event { cue: Cue::Split(vec![split(0, 4), split(1, 6)]), at: 100 });
    let report = last(&history);
    assert_eq!((report.optimum, report.splits), (1, 2));
}
