//! Each thing that a judge is there to see, seen; and a right run let pass.

use kcl_core::{
    env::WallTime,
    lease::{Incarnation, SessionId},
    stream::{HashRange, StreamKey},
};

use super::*;

fn shard(name: &str, parents: &[&str]) -> Shard {
    let mut shard = Shard::open(name.parse().unwrap(), HashRange::ALL);
    shard.parents = parents.iter().map(|parent| parent.parse().unwrap()).collect();
    shard
}

/// A stream of a parent with three records and its child with two.
fn judge() -> Judge {
    Judge::new([(shard("p", &[]), 3), (shard("c", &["p"]), 2)])
}

/// What is said of these deliveries, each of a shard's record under an epoch.
fn verdict(judge: &mut Judge, deliveries: &[(&str, u64, u64)]) -> Result<(), &'static str> {
    for (name, epoch, number) in deliveries {
        let (worker, shard) = ("a".parse().unwrap(), name.parse().unwrap());
        let given =
            Delivered { worker: &worker, shard: &shard, epoch: Epoch(*epoch), number: *number };
        judge.delivered(Time::ZERO, &given).map_err(|violation| violation.invariant)?;
    }
    Ok(())
}

/// The row of the parent's lease, held by a worker under an epoch.
fn row(owner: &str, epoch: u64, checkpoint: Checkpoint) -> Lease {
    let stream = StreamKey::new("orders", WallTime::from_millis(1));
    let mut row =
        Lease::new(LeaseKey::of_shard(&stream, &"p".parse().unwrap()), Checkpoint::TrimHorizon);
    row.owner = Some(SessionId::new(owner.parse().unwrap(), Incarnation::from_bits(7)));
    row.epoch = Epoch(epoch);
    row.checkpoint = checkpoint;
    row
}

fn saw(judge: &mut Judge, row: &Lease, passed: u64) -> Result<(), &'static str> {
    judge.row(Time::ZERO, row, passed).map_err(|violation| violation.invariant)
}

/// Any checkpoint at a record: the judge is told how many it leaves behind.
fn somewhere() -> Checkpoint {
    after(77)
}

#[test]
fn a_run_in_order_is_right_also_across_owners_and_with_an_interrupted_batch() {
    let mut judge = judge();
    let all =
        [("p", 1, 1), ("p", 1, 2), ("p", 1, 2), ("p", 2, 2), ("p", 2, 3), ("c", 1, 1), ("c", 1, 2)];
    assert_eq!(verdict(&mut judge, &all), Ok(()));
    assert_eq!(saw(&mut judge, &row("a", 1, somewhere()), 1), Ok(()));
    assert_eq!(saw(&mut judge, &row("b", 2, somewhere()), 3), Ok(()));
    assert_eq!(saw(&mut judge, &row("b", 2, Checkpoint::ShardEnd), 3), Ok(()));
    assert_eq!(saw(&mut judge, &row("b", 2, Checkpoint::ShardEnd), 3), Ok(()));
}

#[test]
fn a_record_that_is_skipped_is_seen() {
    assert_eq!(verdict(&mut judge(), &[("p", 1, 1), ("p", 1, 3)]), Err("nothing is skipped"));
    assert_eq!(verdict(&mut judge(), &[("p", 1, 1), ("p", 2, 3)]), Err("nothing is skipped"));
}

#[test]
fn a_child_that_comes_before_the_end_of_its_parent_is_seen() {
    let early = [("p", 1, 1), ("p", 1, 2), ("c", 1, 1)];
    assert_eq!(verdict(&mut judge(), &early), Err("children after parents"));
}

#[test]
fn a_former_owner_that_goes_on_is_seen_unless_it_stood_still() {
    let goes_on = [("p", 1, 1), ("p", 2, 1), ("p", 1, 2)];
    assert_eq!(verdict(&mut judge(), &goes_on), Err("one dispatcher per shard"));
    let mut judge = judge();
    judge.excuse_overlap();
    assert_eq!(verdict(&mut judge, &goes_on), Ok(()));
}

#[test]
fn a_checkpoint_ahead_of_what_was_delivered_is_seen() {
    let mut ahead = judge();
    verdict(&mut ahead, &[("p", 1, 1)]).unwrap();
    assert_eq!(saw(&mut ahead, &row("a", 1, somewhere()), 2), Err("nothing is skipped"));
    let mut ended = judge();
    verdict(&mut ended, &[("p", 1, 1), ("p", 1, 2)]).unwrap();
    let end = row("a", 1, Checkpoint::ShardEnd);
    assert_eq!(saw(&mut ended, &end, 3), Err("nothing is skipped"));
}

#[test]
fn a_checkpoint_or_an_epoch_that_goes_back_is_seen() {
    let mut judge = judge();
    verdict(&mut judge, &[("p", 5, 1), ("p", 5, 2), ("p", 5, 3)]).unwrap();
    saw(&mut judge, &row("a", 5, somewhere()), 2).unwrap();
    assert_eq!(saw(&mut judge, &row("a", 5, somewhere()), 1), Err("no checkpoint regresses"));
    assert_eq!(saw(&mut judge, &row("b", 5, somewhere()), 2), Err("epochs increase"));
}
