//! Calls that are overtaken: by the time they land, or are answered, something else is true.

use kcl_core::coordinator::StoreCall;
use kcl_memory::sim::{Action, Fate, Network, Script, World};

use super::{
    lab::{is_balanced, millis, not_planning, place_of, secs, settled, time_until},
    scripts::impatient,
};
use crate::traces::stage::{acquires_a_shard, key_of_release, worker};

/// The release of an old epoch lands before the new epoch has written anything.
#[test]
pub(crate) fn a_release_lands_right_after_its_lease_was_taken_anew() {
    let mut world = settled(1, 2, 4);
    let releases = world.intercept(Fate::Held, |_, call| key_of_release(call).is_some());
    world.act_now(&Action::Join).unwrap();
    time_until(&mut world, |world| world.picked(releases) > 0);
    world.act_now(&Action::Crash(2)).unwrap();
    let before = world.acquires();
    world.run_while(secs(20), |world| world.acquires() == before).unwrap();
    world.lift(releases);
    world.land(releases).unwrap();
    assert!(world.shard_leases().all(|row| row.owner.is_some()), "a stale release was accepted");
    world.finish().unwrap();
}

/// A lease is to be taken by force; before it is, the store goes back and the owner takes it anew.
/// The taker does not hear that the plan has changed.
#[test]
pub(crate) fn an_order_to_force_outlives_what_it_meant() {
    let mut world = impatient(1, 2, 6);
    for which in 0..2 {
        world.act_now(&Action::HungProcessor(which, secs(60), secs(8))).unwrap();
    }
    world.run_for(secs(1)).unwrap();
    let taker = worker("w2");
    let name = taker.clone();
    let takes =
        world.intercept(Fate::RequestLost, move |who, call| *who == name && acquires_a_shard(call));
    world.act_now(&Action::Join).unwrap();
    time_until(&mut world, |world| world.noticed("Forced") > 0 && world.picked(takes) > 0);
    let reads = world.intercept(Fate::RequestLost, move |who, call| {
        *who == taker && matches!(call, StoreCall::Doc(_))
    });
    world.act_now(&Action::RollBack(millis(300))).unwrap();
    world.run_for(secs(4)).unwrap();
    world.lift(takes);
    world.run_for(secs(4)).unwrap();
    world.lift(reads);
    world.finish().unwrap();
}

/// A worker is granted its leases and hears of it seconds later; meanwhile some were planned for
/// workers that joined, and it has said that it saw that.
#[test]
pub(crate) fn a_grant_is_heard_of_after_the_lease_was_given_away() {
    for seed in 0..4 {
        let mut script = Script::quiet(seed, 2, 8);
        script.settings.handoff_timeout = secs(4);
        let mut world = World::new(script);
        let late = worker("w1");
        let grants = world.intercept(Fate::ReplyLate(secs(5)), move |who, call| {
            *who == late && acquires_a_shard(call)
        });
        world.run_for(secs(1)).unwrap();
        world.act_now(&Action::Join).unwrap();
        world.act_now(&Action::Join).unwrap();
        world.run_for(secs(2)).unwrap();
        world.lift(grants);
        world.run_for(secs(12)).unwrap();
        assert_eq!(world.noticed("Forced"), 0, "it lets go of them when it hears");
        world.finish().unwrap();
    }
}

/// The acquire of a worker lands when the lease is planned for another one, which says so: the
/// planner orders the first to let go of what it does not run.
#[test]
pub(crate) fn an_acquire_lands_on_a_worker_that_is_not_to_hold_the_lease() {
    let mut world = World::new(Script::quiet(1, 2, 4));
    let late = worker("w1");
    let held = world.intercept(Fate::Held, move |who, call| *who == late && acquires_a_shard(call));
    world.run_for(secs(4)).unwrap();
    let newcomers = world.intercept(Fate::RequestLost, |who, call| {
        (who.as_str() == "w2" || who.as_str() == "w3") && acquires_a_shard(call)
    });
    world.act_now(&Action::Join).unwrap();
    world.act_now(&Action::Join).unwrap();
    time_until(&mut world, |world| world.picked(newcomers) > 0);
    world.land(held).unwrap();
    world.lift(held);
    world.lift(newcomers);
    let healed = time_until(&mut world, is_balanced);
    assert!(healed < secs(5), "nobody waits for an audit, or for force: {healed:?}");
    world.finish().unwrap();
}

/// The planner's listing of the leases is seconds newer than that of the sessions: a process that
/// started in between, and took its leases back, is in the one and not in the other.
#[test]
pub(crate) fn the_leases_are_newer_than_the_sessions() {
    let mut world = settled(1, 3, 9);
    let planner = world.planner().unwrap();
    let at = place_of(&world, &not_planning(&world));
    let late = world.intercept(Fate::RequestLate(secs(2)), move |who, call| {
        *who == planner && matches!(call, StoreCall::Leases)
    });
    world.act_now(&Action::Join).unwrap();
    time_until(&mut world, |world| world.picked(late) > 0);
    world.lift(late);
    world.act_now(&Action::JoinAs(at)).unwrap();
    world.run_for(secs(20)).unwrap();
    assert_eq!(world.noticed("FencedOther"), 0, "nobody died");
    world.finish().unwrap();
}

/// Eventually consistent listings are three seconds old: who registered since is not in them.
#[test]
pub(crate) fn sessions_are_listed_as_they_were_seconds_ago() {
    for seed in 0..4 {
        let mut script = Script::quiet(seed, 3, 9);
        script.network = Network { stale: 1_000, staleness: secs(3), ..Network::default() };
        let mut world = World::new(script);
        world.run_for(secs(10)).unwrap();
        world.act_now(&Action::Join).unwrap();
        world.run_for(millis(700 + seed * 300)).unwrap();
        world.act_now(&Action::Join).unwrap();
        world.run_for(secs(5)).unwrap();
        for which in 0..3 {
            world.act_now(&Action::JoinAs(which)).unwrap();
            world.run_for(secs(4)).unwrap();
        }
        assert_eq!(world.noticed("FencedOther"), 0, "nobody died");
        world.finish().unwrap();
    }
}
