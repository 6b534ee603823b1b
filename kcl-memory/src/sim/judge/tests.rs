//! Each thing that a judge is there to see, seen; and a right run let pass.

use kcl_core::{
    coordinator::StoreCall,
    env::WallTime,
    lease::{Advance, Checkpoint, Incarnation, Release, SessionId},
    stream::{HashRange, StreamKey},
};

use super::{writes::after, *};

fn shard(name: &str, parents: &[&str]) -> Shard {
    let mut shard = Shard::open(name.parse().unwrap(), HashRange::ALL);
    shard.parents = parents.iter().map(|parent| parent.parse().unwrap()).collect();
    shard
}

/// A stream of a parent with three records and its child with two, each of a key of its own.
fn judge() -> Judge {
    let mut judge = Judge::new([(shard("p", &[]), 3), (shard("c", &["p"]), 2)]);
    (1..=5).for_each(|record| judge.put(record, &format!("key-{record}")));
    judge
}

/// A delivery of a shard's record under an epoch, by a process of one worker.
type Given<'a> = (&'a str, u64, u64);

/// What is broken by a delivery of a record by one of the worker's processes.
fn broken(judge: &mut Judge, life: usize, (name, epoch, place): Given<'_>) -> Vec<&'static str> {
    let (worker, shard) = ("a".parse().unwrap(), name.parse().unwrap());
    let record = Some(if name == "p" { place } else { 3 + place });
    let (worker, shard, epoch, beside) = (&worker, &shard, Epoch(epoch), None);
    let given = Delivered { worker, life, shard, epoch, place, record, beside };
    judge.delivered(Time::ZERO, &given).iter().map(|violation| violation.invariant).collect()
}

/// What is said of these deliveries.
fn verdict(judge: &mut Judge, deliveries: &[Given<'_>]) -> Result<(), &'static str> {
    let mut all = deliveries.iter().flat_map(|given| broken(judge, 0, *given));
    all.next().map_or(Ok(()), Err)
}

fn names(broken: &[Violation]) -> Vec<&'static str> {
    broken.iter().map(|violation| violation.invariant).collect()
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
    judge.row(Time::ZERO, row, passed).first().map_or(Ok(()), |broken| Err(broken.invariant))
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
    assert_eq!(judge.over(Time::ZERO), []);
    assert_eq!(judge.broken(), []);
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

#[test]
fn what_is_never_delivered_is_seen_at_the_end() {
    let mut judge = judge();
    verdict(&mut judge, &[("p", 1, 1), ("p", 1, 2), ("p", 1, 3), ("c", 1, 1)]).unwrap();
    assert_eq!(names(judge.over(Time::ZERO)), ["everything is delivered"]);
    assert!(judge.broken()[0].what.contains("record 5"), "{:?}", judge.broken());
}

#[test]
fn a_run_without_records_proves_nothing() {
    let mut nothing = Judge::new([(shard("p", &[]), 0)]);
    assert_eq!(names(nothing.over(Time::ZERO)), ["a run proves something"]);
}

#[test]
fn what_nobody_put_is_seen_also_in_a_shard_that_nobody_knows() {
    for name in ["p", "stranger"] {
        let (mut judge, worker, shard) = (judge(), "a".parse().unwrap(), name.parse().unwrap());
        let (worker, shard, epoch) = (&worker, &shard, Epoch(1));
        let given =
            Delivered { worker, life: 0, shard, epoch, place: 1, record: None, beside: None };
        let broken = judge.delivered(Time::ZERO, &given);
        assert_eq!(names(broken), ["only what was put is delivered"]);
    }
}

#[test]
fn two_processes_of_one_epoch_are_seen_also_of_one_worker() {
    let mut judge = judge();
    assert_eq!(broken(&mut judge, 0, ("p", 1, 1)), [""; 0]);
    assert_eq!(broken(&mut judge, 1, ("p", 1, 2)), ["one process per epoch"]);
    assert_eq!(broken(&mut judge, 1, ("p", 2, 2)), [""; 0]);
}

#[test]
fn a_key_whose_records_change_places_is_seen_across_shards_and_a_repeat_is_not() {
    let mut judge = Judge::new([(shard("p", &[]), 1), (shard("q", &[]), 1)]);
    let (worker, epoch) = ("a".parse().unwrap(), Epoch(1));
    (1..=2).for_each(|record| judge.put(record, "k"));
    for (name, record, wrong) in [("q", 2, 0), ("p", 1, 1), ("q", 2, 0)] {
        let (worker, shard, record) = (&worker, &name.parse().unwrap(), Some(record));
        let given = Delivered { worker, life: 0, shard, epoch, place: 1, record, beside: None };
        let broken = names(judge.delivered(Time::ZERO, &given));
        assert_eq!(broken, &["keys come in order"][..wrong]);
    }
}

#[test]
fn a_batch_comes_again_only_where_one_may_be_interrupted() {
    let again = [("p", 1, 1), ("p", 1, 2), ("p", 1, 1)];
    assert_eq!(verdict(&mut judge(), &again), Ok(()));
    let mut strict = judge();
    strict.forbid_interruptions();
    assert_eq!(verdict(&mut strict, &again), Err("records come in order"));
}

#[test]
fn a_record_that_was_skipped_and_comes_late_is_seen_twice() {
    let mut judge = judge();
    let late = [("p", 1, 1), ("p", 1, 3), ("p", 1, 2)].map(|given| broken(&mut judge, 0, given));
    assert_eq!(
        late[1..],
        [vec!["nothing is skipped", "records come in order"], vec!["records come in order"]]
    );
}

#[test]
fn a_grandchild_waits_for_its_ancestors_also_behind_an_empty_parent() {
    let family = [(shard("p", &[]), 3), (shard("e", &["p"]), 0), (shard("c", &["e"]), 2)];
    let mut judge = Judge::new(family);
    (1..=5).for_each(|record| judge.put(record, "k"));
    verdict(&mut judge, &[("p", 1, 1), ("p", 1, 2)]).unwrap();
    // The last of the grandparent's counts, and not how far it was read.
    assert!(broken(&mut judge, 0, ("c", 1, 1)).contains(&"children after parents"));
    verdict(&mut judge, &[("p", 1, 3)]).unwrap_err();
    assert_eq!(verdict(&mut judge, &[("c", 1, 2)]), Ok(()));
}

#[test]
fn two_at_once_are_seen_where_it_is_known_unless_that_is_excused() {
    let at_once = |mut judge: Judge| {
        let (worker, other) = ("a".parse().unwrap(), "b".parse().unwrap());
        let (worker, shard) = (&worker, &"p".parse().unwrap());
        let (record, beside) = (Some(1), Some(&other));
        let given = Delivered { worker, life: 0, shard, epoch: Epoch(1), place: 1, record, beside };
        names(judge.delivered(Time::ZERO, &given))
    };
    assert_eq!(at_once(judge()), ["one dispatcher per shard"]);
    let mut excused = judge();
    excused.excuse_overlap();
    assert_eq!(at_once(excused), [""; 0]);
}

#[test]
fn who_read_again_what_another_had_read_is_told_by_their_epochs() {
    let mut judge = judge();
    judge.excuse_overlap();
    // The former owner stood still, and writes what it had in hand when the next is done with it.
    for (life, epoch) in [(2, 2), (1, 1)] {
        broken(&mut judge, life, ("p", epoch, 1));
    }
    let process = |life| ("a".parse().unwrap(), life);
    assert_eq!(judge.repeats(), [Repeat { record: 1, first: process(1), again: process(2) }]);
}

#[test]
fn a_write_of_a_former_holder_is_seen() {
    let (a, b) = (row("a", 1, after(1)), row("b", 2, after(1)));
    let session = |row: &Lease| row.owner.clone().unwrap();
    let mut read = judge();
    verdict(&mut read, &[("p", 1, 1), ("p", 1, 2)]).unwrap();
    let advance = Advance::new(a.key.clone(), session(&a), Epoch(1), after(2));
    let written = row("b", 2, after(2));
    let call = StoreCall::Advance(advance);
    let broken = names(read.wrote(Time::ZERO, &call, Some(&b), (&written, 2)));
    assert_eq!(broken, ["no stale write is accepted"]);
    // A checkpoint of the epoch's own is right, and so is one release of it, and no second one.
    let mut right = judge();
    verdict(&mut right, &[("p", 1, 1), ("p", 1, 2)]).unwrap();
    let written = row("a", 1, after(2));
    assert_eq!(right.wrote(Time::ZERO, &call, Some(&a), (&written, 2)), []);
    let mut free = written.clone();
    free.owner = None;
    let release = StoreCall::Release(Release::new(a.key.clone(), session(&a), Epoch(1)));
    assert_eq!(right.wrote(Time::ZERO, &release, Some(&written), (&free, 2)), []);
    let broken = names(right.wrote(Time::ZERO, &release, Some(&free), (&free, 2)));
    assert_eq!(broken, ["no stale write is accepted"]);
}

#[test]
fn an_end_without_its_children_is_seen() {
    let (mut judge, end) = (judge(), row("a", 1, Checkpoint::ShardEnd));
    assert_eq!(judge.ended(Time::ZERO, &end, Vec::new()), []);
    let child = LeaseKey::of_shard(&end.key.stream().unwrap(), &"c".parse().unwrap());
    let broken = judge.ended(Time::ZERO, &end, vec![child]);
    assert_eq!(names(broken), ["children are put before the end"]);
}
