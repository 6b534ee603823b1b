//! What the operator says of single workers and leases, and how soon it is so.

use std::time::Duration;

use kcl_core::lease::{Epoch, Lease, LeaseKey, WorkerId};
use kcl_memory::sim::{Action, World};

use crate::traces::stage::{owner, secs, settled, wait_for};

/// A worker that does not plan, and the number by which actions name it.
fn reader(world: &World) -> (usize, WorkerId) {
    let planner = world.planner();
    let held = world.held().into_iter().map(|(worker, _)| worker).enumerate();
    held.into_iter().find(|(_, worker)| Some(worker) != planner.as_ref()).unwrap()
}

fn holds(world: &World, who: &WorkerId) -> usize {
    world.held().into_iter().find(|(worker, _)| worker == who).map_or(0, |(_, held)| held)
}

/// The leases of the open shards, in the order in which actions number them.
fn open(world: &World) -> Vec<LeaseKey> {
    let mut open: Vec<_> = world.shard_leases().filter(|row| !row.has_ended()).collect();
    open.sort_by_key(|row| row.range.map(|range| range.start));
    open.into_iter().map(|row| row.key.clone()).collect()
}

fn is_read_by(world: &World, key: &LeaseKey, who: &WorkerId) -> bool {
    owner(world, key).is_some_and(|owner| owner.worker == *who)
}

/// The first open shard that this worker reads, or that it does not, and its number among them.
fn read_by(world: &World, who: &WorkerId, is_its: bool) -> (usize, LeaseKey) {
    let open = open(world).into_iter().enumerate();
    open.into_iter().find(|(_, key)| is_read_by(world, key, who) == is_its).unwrap()
}

/// Within seconds, and not with the next audit; what it held is read by others without a pause.
#[test]
pub(crate) fn a_drained_worker_hands_over_what_it_holds_and_gets_its_share_when_it_is_undrained() {
    let mut world = settled(3, 9);
    let (at, who) = reader(&world);
    world.act_now(&Action::Drain(at)).unwrap();
    wait_for(&mut world, secs(3), |world| holds(world, &who) == 0);
    wait_for(&mut world, secs(1), |world| world.unread().is_empty());
    assert_eq!(world.duplicates(), 0, "a handover delivers nothing twice");
    // By then whatever it takes is seen by an invariant.
    world.run_for(secs(130)).unwrap();
    world.act_now(&Action::Split(0)).unwrap();
    world.act_now(&Action::Join).unwrap();
    world.run_for(secs(20)).unwrap();
    assert_eq!(holds(&world, &who), 0);
    world.act_now(&Action::Undrain).unwrap();
    wait_for(&mut world, secs(3), |world| holds(world, &who) >= 2);
    world.finish().unwrap();
}

#[test]
pub(crate) fn a_planner_that_is_drained_plans_on_and_reads_nothing() {
    let mut world = settled(3, 9);
    let planner = world.planner().unwrap();
    let at = world.held().iter().position(|(worker, _)| *worker == planner).unwrap();
    world.act_now(&Action::Drain(at)).unwrap();
    wait_for(&mut world, secs(3), |world| holds(world, &planner) == 0);
    assert_eq!(world.planner(), Some(planner));
    world.run_for(secs(130)).unwrap();
    world.finish().unwrap();
}

#[test]
pub(crate) fn a_paused_lease_is_given_up_keeps_its_place_and_is_read_on_from_there() {
    let mut world = settled(3, 6);
    world.run_for(secs(20)).unwrap();
    let key = open(&world).remove(2);
    world.act_now(&Action::PauseLease(2)).unwrap();
    wait_for(&mut world, secs(3), |world| owner(world, &key).is_none());
    let stands = world.lease(&key).unwrap().checkpoint.clone();
    world.act_now(&Action::Crash(0)).unwrap();
    world.run_for(secs(150)).unwrap();
    let row = world.lease(&key).unwrap();
    assert_eq!((&row.owner, &row.checkpoint), (&None, &stands));
    world.act_now(&Action::ResumeLeases).unwrap();
    wait_for(&mut world, secs(3), |world| owner(world, &key).is_some());
    world.finish().unwrap();
}

/// Two shards are merged, and one of them is paused: their child has a row, and waits. Then the
/// child is paused in its place: who reads the second parent to its end does not take it.
#[test]
pub(crate) fn the_owner_of_a_parent_does_not_take_a_child_that_is_paused() {
    let mut world = settled(3, 3);
    let parent = open(&world).remove(1);
    world.act_now(&Action::PauseLease(1)).unwrap();
    wait_for(&mut world, secs(3), |world| owner(world, &parent).is_none());
    world.act_now(&Action::Merge(0)).unwrap();
    let child = |world: &World| -> Option<LeaseKey> {
        let of = |row: &&Lease| row.parents.iter().any(|it| Some(it) == parent.shard().as_ref());
        world.shard_leases().find(of).map(|row| row.key.clone())
    };
    wait_for(&mut world, secs(60), |world| child(world).is_some());
    let child = child(&world).unwrap();
    world.act_now(&Action::ResumeLeases).unwrap();
    // It has the lowest hash keys.
    world.act_now(&Action::PauseLease(0)).unwrap();
    wait_for(&mut world, secs(10), |world| world.lease(&parent).is_none_or(Lease::has_ended));
    world.run_for(secs(130)).unwrap();
    assert_eq!(world.lease(&child).unwrap().epoch, Epoch::NONE, "nobody ever took it");
    world.act_now(&Action::ResumeLeases).unwrap();
    wait_for(&mut world, secs(3), |world| owner(world, &child).is_some());
    world.finish().unwrap();
}

#[test]
pub(crate) fn a_lease_that_is_let_go_is_handed_to_another_once() {
    let mut world = settled(3, 9);
    let (_, who) = reader(&world);
    let (number, key) = read_by(&world, &who, true);
    world.act_now(&Action::LetGo(number)).unwrap();
    wait_for(&mut world, secs(3), |world| {
        owner(world, &key).is_some_and(|owner| owner.worker != who)
    });
    assert_eq!(world.duplicates(), 0, "a handover delivers nothing twice");
    let now = owner(&world, &key);
    world.run_for(secs(130)).unwrap();
    assert_eq!(owner(&world, &key), now, "it stays there");
    world.finish().unwrap();
}

/// There is nobody to hand it to: its worker gives it back, and takes it again under another epoch,
/// which starts a shard again that was stopped.
#[test]
pub(crate) fn a_lone_worker_lets_go_and_takes_it_again() {
    let mut world = settled(1, 3);
    let key = open(&world).remove(0);
    let epoch = world.lease(&key).unwrap().epoch;
    world.act_now(&Action::LetGo(0)).unwrap();
    wait_for(&mut world, secs(3), |world| {
        world.lease(&key).is_some_and(|row| row.owner.is_some() && row.epoch > epoch)
    });
    let epoch = world.lease(&key).unwrap().epoch;
    world.run_for(secs(130)).unwrap();
    assert_eq!(world.lease(&key).unwrap().epoch, epoch, "once");
    world.finish().unwrap();
}

#[test]
pub(crate) fn a_lease_is_where_it_was_sent_until_the_time_is_over() {
    let mut world = settled(3, 6);
    let (at, who) = reader(&world);
    let (number, key) = read_by(&world, &who, false);
    world.act_now(&Action::Send(number, at, secs(40))).unwrap();
    wait_for(&mut world, secs(3), |world| is_read_by(world, &key, &who));
    world.run_for(secs(20)).unwrap();
    assert!(is_read_by(&world, &key, &who));
    // Where it is to be is read by the store's clock; a rule then says otherwise.
    let other = world.held().iter().position(|(worker, _)| *worker != who).unwrap();
    world.act_now(&Action::Prefer(number, other)).unwrap();
    world.run_for(secs(10)).unwrap();
    assert!(is_read_by(&world, &key, &who), "the operator's word counts for more than `prefer`");
    let over = Duration::from_secs(10);
    wait_for(&mut world, over, |world| !is_read_by(world, &key, &who));
    world.finish().unwrap();
}
