//! What whole workers must not do, each told as a fact: by which invariant it is broken, in which
//! words; and the same without the fault let pass.

use std::time::Duration;

use kcl_core::{env::Time, lease::Epoch, stream::ShardId};

use super::of_whole_workers;
use crate::sim::{
    fact::{Batch, Fact, Finished},
    invariant::Excuse,
    oracle::Oracle,
};

fn oracle() -> Oracle {
    Oracle::of(of_whole_workers(true, true), 0)
}

/// The invariant that a fact breaks, and what is said of it.
fn broken(fact: &Fact<'_>) -> Option<(&'static str, String)> {
    let broken = oracle().learn(Time::ZERO, fact).err()?;
    Some((broken.invariant, broken.what))
}

fn assert_broken(fact: &Fact<'_>, by: &'static str, what: &str) {
    assert_eq!(broken(fact), Some((by, what.to_owned())));
}

fn some(record: &str) -> Option<String> {
    Some(record.to_owned())
}

const fn right(shard: &ShardId) -> Batch<'_> {
    Batch {
        worker: "w0",
        shard,
        records: "records 3 and 4",
        first: "record 3",
        holes: false,
        next: None,
        unread: None,
        beside: None,
        again: false,
    }
}

#[test]
fn a_batch_is_judged_by_what_is_known_of_its_shard() {
    let shard: ShardId = "s".parse().unwrap();
    assert_eq!(broken(&Fact::Batch(right(&shard))), None);
    let is = |batch, by, what| assert_broken(&Fact::Batch(batch), by, what);
    let order = super::RECORDS_IN_ORDER;
    let holes = Batch { holes: true, next: some("record 1"), ..right(&shard) };
    is(holes, order, "w0 is given records 3 and 4 with holes between them");
    let late = Batch { next: some("record 1"), ..right(&shard) };
    is(late, order, "w0 is given record 3 where record 1 is next");
    let early = Batch { unread: some("record 2"), ..right(&shard) };
    let what = "record 3 is delivered before record 2 of its parent";
    is(early, super::PARENTS_FIRST, what);
    let both = Batch { beside: some("w1"), ..right(&shard) };
    is(both, "one dispatcher per shard", "w0 and w1 process s at once");
    let again = Batch { again: true, ..right(&shard) };
    let what = "w0 is given records 3 and 4 again, although nothing went wrong";
    is(again, "nothing is repeated for nothing", what);
}

#[test]
fn a_fault_excuses_repeats_and_what_stands_still_an_overlap() {
    let shard: ShardId = "s".parse().unwrap();
    let mut oracle = oracle();
    oracle.excuse(Excuse::Repeats);
    let again = Batch { again: true, ..right(&shard) };
    assert!(oracle.learn(Time::ZERO, &Fact::Batch(again)).is_ok());
    let both = || Fact::Batch(Batch { beside: some("w1"), ..right(&shard) });
    assert!(oracle.learn(Time::ZERO, &both()).is_err());
    oracle.excuse(Excuse::Overlap);
    assert!(oracle.learn(Time::ZERO, &both()).is_ok());
}

#[test]
fn checkpoints_and_losses_are_held_to_the_records() {
    assert_eq!(broken(&Fact::Covered { unprocessed: None }), None);
    let what = "record 3 is checkpointed, but was not processed";
    assert_broken(&Fact::Covered { unprocessed: some("record 3") }, "nothing is skipped", what);
    assert_eq!(broken(&Fact::Uncovered { record: None }), None);
    let what = "record 3 is processed, but no checkpoint says so";
    assert_broken(&Fact::Uncovered { record: some("record 3") }, "checkpoints keep up", what);
    assert_eq!(broken(&Fact::LossReported { worker: "w0", kept: None }), None);
    let kept = Fact::LossReported { worker: "w0", kept: some("record 3") };
    assert_broken(&kept, "losses are true", "w0 reports record 3 as lost: it is there");
}

#[test]
fn an_epoch_has_one_holder() {
    let shard: ShardId = "s".parse().unwrap();
    let mut oracle = oracle();
    let mut holds = |worker, epoch| {
        let fact = Fact::Holds { worker, shard: &shard, epoch: Epoch(epoch) };
        oracle.learn(Time::ZERO, &fact).map_err(|broken| broken.what)
    };
    assert_eq!([holds("w0", 1), holds("w0", 1), holds("w1", 2)], [Ok(()), Ok(()), Ok(())]);
    assert_eq!(holds("w1", 1), Err("w0 and w1 hold s under one epoch".to_owned()));
}

#[test]
fn in_the_end_each_record_is_processed_and_has_its_effect() {
    let of = |delivered, processed, in_effect| {
        broken(&Fact::Finished(Finished { record: "record 3", delivered, processed, in_effect }))
    };
    let is = |by, what: &str| Some((by, format!("record 3 {what}")));
    assert_eq!(of(true, true, true), None);
    assert_eq!(of(true, true, false), is(super::WRITTEN, "was never written, and never will be"));
    let processed = super::PROCESSED;
    assert_eq!(of(true, false, true), is(processed, "was written, but never acknowledged"));
    let what = "was delivered, but neither written nor acknowledged";
    assert_eq!(of(true, false, false), is(processed, what));
    assert_eq!(of(false, false, false), is(processed, "was never delivered"));
}

#[test]
fn workers_leave_when_they_are_asked_and_only_then() {
    let asked = |stays| Fact::AskedToLeave { worker: "w0", ago: Duration::from_secs(40), stays };
    assert_eq!(broken(&asked(false)), None);
    let what = "w0 was asked to leave and is still there 40s later";
    assert_broken(&asked(true), "who is asked to leave leaves", what);
    let ended = |unasked| Fact::WorkerEnded { worker: "w0", unasked };
    assert_eq!(broken(&ended(None)), None);
    assert_broken(&ended(some("Ok(())")), "nobody stops by itself", "w0 stops by itself: Ok(())");
}
