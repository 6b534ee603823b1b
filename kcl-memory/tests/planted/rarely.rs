//! Histories that seldom happen, and that each rule has a branch for all the same.

use std::time::Duration;

use kcl_core::{
    coordinator::StoreCall,
    lease::{Epoch, Incarnation, SessionId, WorkerId},
};
use kcl_memory::sim::{Action, Fate, Script, World};

use super::{
    lab::{at_rest, millis, not_planning, place_of, secs, settled, time_until},
    scripts::impatient,
};
use crate::traces::stage::acquires_a_shard;

/// A worker that does not plan, and the number by which actions name it.
fn another(world: &World) -> (WorkerId, usize) {
    let name = not_planning(world);
    let at = place_of(world, &name);
    (name, at)
}

/// A worker is given a lease of one that died. From then on its beats are lost, and the answer to
/// its acquire comes when its own deadline has passed, and before the others end it.
#[test]
pub(crate) fn a_lease_is_granted_at_the_last_moment() {
    for late in (4_300..6_000).step_by(150) {
        let mut world = settled(1, 3, 6);
        let (_, at) = another(&world);
        let planner = world.planner().unwrap();
        world.act_now(&Action::Crash(at)).unwrap();
        let others = move |who: &WorkerId| *who != planner;
        let lapses = others.clone();
        let grants = world.intercept(Fate::ReplyLate(millis(late)), move |who, call| {
            others(who) && acquires_a_shard(call)
        });
        time_until(&mut world, |world| world.picked(grants) > 0);
        let beats = world.intercept(Fate::RequestLost, move |who, call| {
            lapses(who) && matches!(call, StoreCall::Beat(_))
        });
        world.run_for(secs(8)).unwrap();
        world.lift(grants);
        world.lift(beats);
        world.finish().unwrap();
    }
}

/// The order to end a silent session is on its way while the session beats again.
#[test]
pub(crate) fn a_fence_lands_after_a_beat() {
    let mut world = settled(1, 3, 6);
    let before = world.acquires();
    let (_, at) = another(&world);
    let fences = world.intercept(Fate::Held, |_, call| matches!(call, StoreCall::EndSession(_)));
    world.act_now(&Action::CutRequests(at, secs(7))).unwrap();
    world.run_for(secs(10)).unwrap();
    assert!(world.picked(fences) > 0, "it was silent for longer than its timeout");
    world.lift(fences);
    world.land(fences).unwrap();
    world.run_for(secs(5)).unwrap();
    assert_eq!((world.acquires(), world.held().len()), (before, 3), "it lives, and nothing moves");
    world.finish().unwrap();
}

#[test]
pub(crate) fn a_row_names_a_session_that_nobody_knows() {
    let mut world = settled(1, 3, 6);
    let ghost = SessionId::new("ghost".parse().unwrap(), Incarnation::from_bits(9));
    world
        .tamper(|rows| {
            let row = rows.values_mut().find(|row| !row.key.is_role()).unwrap();
            row.owner = Some(ghost.clone());
            row.epoch = Epoch(row.epoch.0 + 1);
        })
        .unwrap();
    let is_free = |world: &World| world.shard_leases().all(|row| row.owner != Some(ghost.clone()));
    let freed = (0..2).map(|_| time_until(&mut world, is_free)).sum::<Duration>();
    assert!(freed < secs(70), "by the next audit");
    world.finish().unwrap();
}

/// An owner that beats and never reads its document does not know that it is to give a lease away.
/// It is taken from it, and both may process for a moment: that is said aloud.
#[test]
pub(crate) fn an_owner_never_reads_its_order() {
    let mut world = impatient(1, 2, 6);
    let (deaf, at) = another(&world);
    // This run is about the overlap that the rules except.
    world.act_now(&Action::HungProcessor(at, Duration::ZERO, Duration::ZERO)).unwrap();
    let reads = world.intercept(Fate::RequestLost, move |who, call| {
        *who == deaf && matches!(call, StoreCall::Doc(_))
    });
    world.act_now(&Action::Join).unwrap();
    world.run_for(secs(25)).unwrap();
    assert!(world.noticed("Forced") > 0 && world.picked(reads) > 0);
    world.lift(reads);
    world.finish().unwrap();
}

/// While nobody hears anything, an operator gives a lease to another worker.
#[test]
pub(crate) fn a_row_is_anothers_after_an_outage() {
    let mut world = settled(1, 3, 6);
    world.act_now(&Action::Outage(secs(9))).unwrap();
    world.run_for(secs(8)).unwrap();
    let mut owners: Vec<_> = world.shard_leases().filter_map(|row| row.owner.clone()).collect();
    owners.dedup();
    world
        .tamper(|rows| {
            let row = rows.values_mut().find(|row| !row.key.is_role()).unwrap();
            let other = owners.iter().find(|owner| row.owner.as_ref() != Some(*owner));
            row.owner = other.cloned();
            row.epoch = Epoch(row.epoch.0 + 1);
        })
        .unwrap();
    world.run_for(secs(70)).unwrap();
    world.finish().unwrap();
}

/// The last worker leaves, and its processor takes longer than it may.
#[test]
pub(crate) fn grace_runs_out() {
    let mut script = Script::quiet(1, 1, 3);
    script.settings.shutdown_grace = secs(5);
    let mut world = at_rest(script);
    world.act_now(&Action::SlowProcessor(0, secs(25), secs(3))).unwrap();
    world.run_for(secs(2)).unwrap();
    world.act_now(&Action::Leave(0)).unwrap();
    let gone = time_until(&mut world, |world| world.held().is_empty());
    assert!(gone > secs(4) && gone < secs(8), "grace and a moment: {gone:?}");
    world.run_for(secs(1)).unwrap();
    assert!(world.shard_leases().all(|row| !row.has_ended()));
}

/// The clock of a store goes back, and then it loses the acquire of a worker that dies: whoever
/// takes the lease next takes it under another epoch.
#[test]
pub(crate) fn the_clock_goes_back_with_the_store() {
    let mut world = settled(1, 4, 4);
    world.act_now(&Action::StoreClockBack(secs(60))).unwrap();
    let newest = world.shard_leases().max_by_key(|row| row.epoch).unwrap().clone();
    let taker = |world: &World| {
        let owner = world.lease(&newest.key).and_then(|row| row.owner.clone());
        owner.filter(|owner| newest.owner.as_ref() != Some(owner))
    };
    let at = place_of(&world, &newest.owner.as_ref().unwrap().worker);
    world.act_now(&Action::Crash(at)).unwrap();
    time_until(&mut world, |world| taker(world).is_some());
    let at = place_of(&world, &taker(&world).unwrap().worker);
    world.run_for(millis(150)).unwrap();
    world.act_now(&Action::Crash(at)).unwrap();
    world.act_now(&Action::RollBack(millis(200))).unwrap();
    assert_eq!(taker(&world), None, "its acquire is lost");
    time_until(&mut world, |world| taker(world).is_some());
    world.run_for(secs(5)).unwrap();
    world.finish().unwrap();
}
