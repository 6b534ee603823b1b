//! Shards that end at bad moments.

use std::time::Duration;

use kcl_core::{coordinator::StoreCall, lease::Lease};
use kcl_memory::sim::{Action, Fate, World};

use super::stage::{millis, owner, secs, settled, wait_for, worker};

fn ended(world: &World) -> Vec<Lease> {
    world.shard_leases().filter(|row| row.has_ended()).cloned().collect()
}

fn writes_an_end(call: &StoreCall) -> bool {
    matches!(call, StoreCall::Advance(advance) if advance.checkpoint.is_end())
}

/// A parent's row is deleted while its child is read, and the child's owner crashes.
#[test]
pub(crate) fn a_parents_row_deleted_early_and_its_childs_owner_crashing() {
    let mut world = settled(3, 3);
    world.act_now(&Action::Split(0)).unwrap();
    wait_for(&mut world, secs(10), |world| !ended(world).is_empty());
    world.run_for(secs(3)).unwrap();
    let parent = ended(&world).remove(0);
    let child = parent.key.sibling(&parent.children[0]).unwrap();
    let reader = owner(&world, &child).unwrap();
    world
        .tamper(|rows| {
            rows.remove(&parent.key);
        })
        .unwrap();
    let which = world.held().iter().position(|(worker, _)| *worker == reader.worker).unwrap();
    world.act_now(&Action::Crash(which)).unwrap();
    world.finish().unwrap();
}

/// Both parents of a merge end at the same moment: each owner finds the other's end, and one of
/// them takes the child.
#[test]
pub(crate) fn two_parents_of_a_merge_that_end_at_the_same_moment() {
    let mut world = settled(2, 2);
    let ends = world.intercept(Fate::Held, |_, call| writes_an_end(call));
    world.act_now(&Action::Merge(0)).unwrap();
    wait_for(&mut world, secs(10), |world| world.picked(ends) >= 2);
    world.lift(ends);
    world.land(ends).unwrap();
    assert_eq!(ended(&world).len(), 2);
    let before = world.noticed("Gained");
    wait_for(&mut world, secs(10), |world| world.noticed("Gained") > before);
    world.finish().unwrap();
}

/// The owner of a shard writes its end and crashes before it takes the children.
#[test]
pub(crate) fn a_crash_right_after_the_end_of_a_shard() {
    let mut world = settled(3, 3);
    world.act_now(&Action::Split(1)).unwrap();
    let owners: Vec<_> = world.shard_leases().filter_map(|row| row.owner.clone()).collect();
    wait_for(&mut world, secs(10), |world| !ended(world).is_empty());
    let left: Vec<_> = world.shard_leases().filter_map(|row| row.owner.clone()).collect();
    let reader = owners.iter().find(|owner| !left.contains(owner)).unwrap();
    let which = world.held().iter().position(|(worker, _)| *worker == reader.worker).unwrap();
    world.act_now(&Action::Crash(which)).unwrap();
    world.finish().unwrap();
}

/// A child's row is put again, late, after the child has ended and its row was deleted.
#[test]
pub(crate) fn a_late_put_of_a_child_that_has_ended_and_was_deleted() {
    let mut world = settled(2, 1);
    let puts = world.intercept(
        Fate::Held,
        |_, call| matches!(call, StoreCall::Create(row) if !row.parents.is_empty()),
    );
    world.act_now(&Action::Split(0)).unwrap();
    wait_for(&mut world, secs(10), |world| world.picked(puts) >= 2);
    world.lift(puts);
    // The puts are made again and succeed; the children end in their turn and are forgotten.
    wait_for(&mut world, secs(10), |world| ended(world).len() == 1);
    world.run_for(secs(5)).unwrap();
    world.act_now(&Action::Split(0)).unwrap();
    world.act_now(&Action::Split(2)).unwrap();
    wait_for(&mut world, secs(20), |world| ended(world).len() == 3);
    world.act_now(&Action::Trim).unwrap();
    wait_for(&mut world, secs(120), |world| ended(world).is_empty());
    world.land(puts).unwrap();
    world.finish().unwrap();
}

/// A worker dies, its shard is merged into another, that into a third, the stream forgets all of
/// them before anybody has read them, and who plans next has never seen them listed. Each is ended
/// as soon as the one before it is, and what comes of the last, which still takes records, is read.
#[test]
pub(crate) fn shards_that_are_gone_before_anybody_read_them() {
    let mut world = settled(3, 3);
    // The shards of the hash range, from left to right.
    let shards: Vec<Lease> = world.shard_leases().cloned().collect();
    let readers: Vec<_> = shards.iter().map(|row| owner(&world, &row.key).unwrap()).collect();
    let dead = world.held().iter().position(|(who, _)| *who == readers[0].worker).unwrap();
    world.act_now(&Action::Crash(dead)).unwrap();
    for ends in 1..3 {
        world.act_now(&Action::Merge(0)).unwrap();
        wait_for(&mut world, secs(3), |world| ended(world).len() == ends);
    }
    world.act_now(&Action::Split(0)).unwrap();
    world.act_now(&Action::Expire(Duration::ZERO)).unwrap();
    world.act_now(&Action::CrashPlanner).unwrap();
    wait_for(&mut world, secs(20), |world| world.noticed("FencedOther") == 2);
    let all_read = |world: &World| world.held().iter().map(|(_, held)| held).sum::<usize>() == 2;
    wait_for(&mut world, secs(5), all_read);
    world.finish().unwrap();
}

/// All start again, and the shards that they read before are merged before they hear of a plan: who
/// ends the last of them does not take the child, which a rule requires elsewhere.
#[test]
pub(crate) fn a_child_that_a_rule_requires_elsewhere_and_a_worker_without_a_plan() {
    let mut world = settled(3, 2);
    world.act_now(&Action::Require(0, 0)).unwrap();
    // Until everybody has to know the rule.
    world.run_for(secs(130)).unwrap();
    let plans = world.intercept(Fate::RequestLate(secs(1)), |_, call| {
        matches!(call, StoreCall::PutDoc(put) if put.name.as_str().starts_with("assignment:"))
    });
    let last = world.intercept(Fate::RequestLate(millis(300)), |who, call| {
        writes_an_end(call) && *who != worker("w0")
    });
    world.act_now(&Action::ColdStart(secs(1))).unwrap();
    world.act_now(&Action::Merge(0)).unwrap();
    wait_for(&mut world, secs(5), |world| ended(world).len() == 2);
    assert_eq!(world.picked(last), 1);
    world.lift(plans);
    world.run_for(secs(10)).unwrap();
    world.finish().unwrap();
}
