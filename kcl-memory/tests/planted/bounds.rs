//! How long things take, on virtual time: at most what the healthy code needs, and a little.

use std::time::Duration;

use kcl_core::{coordinator::StoreCall, lease::Lease};
use kcl_memory::sim::{Action, Fate, Script, World};

use super::lab::{
    assert_within, bystander, gap_until_balanced, is_balanced, millis, not_planning, place_of,
    secs, settled, time_until,
};

/// Fleets measured for each figure: the worst counts.
const FLEETS: u64 = 5;

#[test]
pub(crate) fn a_fleet_starts() {
    let start = |seed| {
        let mut world = World::new(Script::quiet(seed, 3, 20));
        time_until(&mut world, |world| world.shard_leases().count() == 20 && is_balanced(world))
    };
    assert_within("a fleet starts", millis(1_000), (0..FLEETS).map(start));
}

#[test]
pub(crate) fn two_workers_join() {
    let (mut balanced, mut unread) = (Vec::new(), Vec::new());
    for seed in 0..FLEETS {
        let mut world = settled(seed, 3, 30);
        let (before, twice) = (world.acquires(), world.duplicates());
        world.act_now(&Action::Join).unwrap();
        world.act_now(&Action::Join).unwrap();
        world.run_for(millis(500)).unwrap();
        let (took, gap) = gap_until_balanced(&mut world);
        balanced.push(took);
        unread.push(gap);
        world.run_for(secs(5)).unwrap();
        assert_eq!(world.acquires() - before, 12, "three times ten minus six have to move");
        assert_eq!(world.duplicates(), twice, "a handover delivers nothing twice");
    }
    assert_within("two workers join: balanced", millis(1_800), balanced);
    assert_within("two workers join: a shard unread", millis(450), unread);
}

/// How long until what a worker read is read by others.
fn taken_over(world: &mut World, action: &Action) -> Duration {
    let up = world.held().len();
    world.act_now(action).unwrap();
    assert!(world.held().len() < up, "nobody died");
    time_until(world, is_balanced)
}

#[test]
pub(crate) fn a_worker_dies() {
    let dies = |seed| {
        let mut world = settled(seed, 3, 12);
        world.run_for(millis(seed * 130)).unwrap();
        let at = place_of(&world, &not_planning(&world));
        taken_over(&mut world, &Action::Crash(at))
    };
    assert_within("a worker dies", millis(6_900), (0..5 * FLEETS).map(dies));
}

/// It is seen by the regular readings alone, which planner and standbys do in turn.
#[test]
pub(crate) fn a_worker_dies_that_has_no_part_in_planning() {
    let dies = |seed| {
        let mut world = settled(seed, 4, 12);
        world.run_for(millis(seed * 130)).unwrap();
        let at = place_of(&world, &bystander(&world));
        taken_over(&mut world, &Action::Crash(at))
    };
    assert_within("a bystander dies", millis(7_200), (0..8 * FLEETS).map(dies));
}

#[test]
pub(crate) fn the_planner_dies() {
    let dies = |seed| {
        let mut world = settled(seed, 3, 12);
        world.run_for(millis(seed * 190)).unwrap();
        taken_over(&mut world, &Action::CrashPlanner)
    };
    assert_within("the planner dies", millis(7_000), (0..2 * FLEETS).map(dies));
}

#[test]
pub(crate) fn one_planner_dies_after_the_other() {
    let dies = |seed| {
        let mut world = settled(seed, 4, 12);
        taken_over(&mut world, &Action::CrashPlanner);
        world.run_for(secs(3)).unwrap();
        taken_over(&mut world, &Action::CrashPlanner)
    };
    assert_within("the next planner dies", millis(7_300), (0..FLEETS).map(dies));
}

/// A departure: how long until the worker is gone, and for how long a shard was unread.
fn departs(world: &mut World, action: &Action) -> (Duration, Duration) {
    let up = world.held().len();
    let twice = world.duplicates();
    world.act_now(action).unwrap();
    let (balanced, unread) = gap_until_balanced(world);
    let gone = balanced + time_until(world, |world| world.held().len() < up);
    let (_, last) = gap_until_balanced(world);
    assert_eq!(world.duplicates(), twice, "a handover delivers nothing twice");
    world.run_for(secs(15)).unwrap();
    assert_eq!(world.noticed("FencedOther"), 0, "no peer waits for a session that left");
    (gone, unread.max(last))
}

#[test]
pub(crate) fn a_worker_leaves() {
    let leaves = |seed| {
        let mut world = settled(seed, 3, 12);
        let at = place_of(&world, &not_planning(&world));
        departs(&mut world, &Action::Leave(at))
    };
    let (gone, unread): (Vec<_>, Vec<_>) = (0..FLEETS).map(leaves).unzip();
    assert_within("a worker leaves: gone", millis(1_300), gone);
    assert_within("a worker leaves: a shard unread", millis(300), unread);
}

#[test]
pub(crate) fn the_planner_leaves() {
    let leaves = |seed| {
        let mut world = settled(seed, 3, 12);
        let departed = departs(&mut world, &Action::LeavePlanner);
        assert!(world.planner().is_some(), "somebody else plans");
        departed
    };
    let (gone, unread): (Vec<_>, Vec<_>) = (0..FLEETS).map(leaves).unzip();
    assert_within("the planner leaves: gone", millis(1_300), gone);
    assert_within("the planner leaves: a shard unread", millis(300), unread);
}

#[test]
pub(crate) fn a_shard_is_split() {
    let (mut read, mut balanced) = (Vec::new(), Vec::new());
    for seed in 0..FLEETS {
        let mut world = settled(seed, 3, 3);
        // A shard becomes four, all of which its owner takes; then the others get their share.
        for (which, ends) in [(0, 1), (0, 2), (2, 3)] {
            world.act_now(&Action::Split(which)).unwrap();
            let ended = |world: &World| world.shard_leases().filter(|row| row.has_ended()).count();
            time_until(&mut world, |world| ended(world) == ends);
            read.push(time_until(&mut world, |world| world.unread().is_empty()));
        }
        balanced.push(time_until(&mut world, is_balanced));
    }
    assert_within("a split: the children are read", millis(100), read);
    assert_within("a split: balanced", millis(3_000), balanced);
}

/// A rule elsewhere keeps nobody from taking the children of what it does not touch.
#[test]
pub(crate) fn a_shard_is_split_that_no_rule_touches() {
    let mut read = Vec::new();
    for seed in 0..FLEETS {
        let mut world = settled(seed, 3, 6);
        let ruled = world.shard_leases().next().unwrap().key.clone();
        world.act_now(&Action::Require(0, 1)).unwrap();
        world.run_for(secs(10)).unwrap();
        assert!(world.lease(&ruled).unwrap().owner.is_some());
        world.act_now(&Action::Split(3)).unwrap();
        time_until(&mut world, |world| world.shard_leases().any(Lease::has_ended));
        read.push(time_until(&mut world, |world| world.unread().is_empty()));
    }
    assert_within("a split that no rule touches: the children are read", millis(100), read);
}

#[test]
pub(crate) fn two_shards_are_merged() {
    let merges = |seed| {
        let mut world = settled(seed, 3, 9);
        world.act_now(&Action::Merge(2)).unwrap();
        let both = |w: &World| w.shard_leases().filter(|row| row.has_ended()).count() == 2;
        time_until(&mut world, both);
        time_until(&mut world, |world| world.unread().is_empty())
    };
    assert_within("a merge: the child is read", millis(100), (0..FLEETS).map(merges));
}

#[test]
pub(crate) fn most_of_the_fleet_dies() {
    let dies = |seed| {
        let mut world = settled(seed, 5, 10);
        for _ in 0..3 {
            let at = place_of(&world, &not_planning(&world));
            world.act_now(&Action::Crash(at)).unwrap();
        }
        time_until(&mut world, is_balanced)
    };
    assert_within("most of the fleet dies", millis(13_000), (0..FLEETS).map(dies));
}

/// A worker hears of its beats three seconds late, and then of none: whoever counts validity from
/// the wrong moment goes on when the others have already taken over.
#[test]
pub(crate) fn a_worker_hears_late_and_then_nothing() {
    for seed in 0..FLEETS {
        let mut world = settled(seed, 3, 9);
        let name = not_planning(&world);
        let at = place_of(&world, &name);
        let late = world.intercept(Fate::ReplyLate(secs(3)), move |who, call| {
            *who == name && matches!(call, StoreCall::Beat(_))
        });
        world.run_for(secs(8)).unwrap();
        assert_eq!(world.noticed("Lapsed"), 0, "three seconds late is in time");
        // What was applied is still answered: the cut is on the way there.
        world.lift(late);
        world.act_now(&Action::CutRequests(at, secs(30))).unwrap();
        world.run_for(secs(20)).unwrap();
    }
}
