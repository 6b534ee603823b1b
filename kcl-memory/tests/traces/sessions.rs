//! Sessions that are not seen, or seen twice.

use kcl_core::{coordinator::StoreCall, store::Consistency};
use kcl_memory::sim::{Action, Fate, Network, Script, World};

use super::stage::{secs, settled, wait_for};

/// Every eventually consistent read is stale: a session that registered a moment ago is not seen.
/// Nobody may take its absence for its end.
#[test]
pub(crate) fn a_stale_read_of_the_session_list() {
    let mut script = Script::quiet(3, 3, 9);
    script.network = Network { stale: 1_000, ..Network::default() };
    let mut world = World::new(script);
    world.run_for(secs(10)).unwrap();
    for _ in 0..3 {
        world.act_now(&Action::Join).unwrap();
        world.run_for(secs(5)).unwrap();
    }
    assert_eq!(world.noticed("FencedOther"), 0, "nobody died");
    world.finish().unwrap();
}

/// Two processes start under the id of a third that lives, at once. One of the three is left.
#[test]
pub(crate) fn two_restarts_under_one_id_at_once() {
    for seed in 0..10 {
        let mut world = World::new(Script::quiet(seed, 3, 6));
        world.run_for(secs(10)).unwrap();
        let name = world.held()[0].0.clone();
        world.act_now(&Action::JoinAs(0)).unwrap();
        world.act_now(&Action::JoinAs(0)).unwrap();
        world.run_for(secs(15)).unwrap();
        let left = world.held().into_iter().filter(|(worker, _)| *worker == name).count();
        assert_eq!(left, 1);
        assert!(world.noticed("DuplicateWorkerId") >= 2);
        world.finish().unwrap();
    }
}

/// A worker's process dies and starts again under its id: it takes its leases back at once, without
/// waiting for a session timeout, and nothing else moves.
#[test]
pub(crate) fn a_worker_that_restarts_under_its_id_takes_its_leases_back() {
    let mut world = settled(3, 6);
    let before = world.acquires();
    world.act_now(&Action::JoinAs(1)).unwrap();
    wait_for(&mut world, secs(3), |world| world.acquires() == before + 2);
    world.run_for(secs(20)).unwrap();
    assert_eq!(world.acquires(), before + 2);
    world.finish().unwrap();
}

/// The answer to a registration is lost: the worker must not be left with two sessions.
#[test]
pub(crate) fn a_registration_whose_answer_is_lost() {
    let mut world = settled(2, 4);
    let lost = world.intercept(Fate::ReplyLost, |_, call| matches!(call, StoreCall::Register(_)));
    world.act_now(&Action::Join).unwrap();
    wait_for(&mut world, secs(5), |world| world.picked(lost) > 0);
    world.lift(lost);
    world.run_for(secs(20)).unwrap();
    assert_eq!(world.noticed("FencedOther"), 0, "no session was left behind");
    world.finish().unwrap();
}

/// The planner's consistent listings are late by seconds; leases taken meanwhile by workers that
/// the listing does not know are theirs.
#[test]
pub(crate) fn a_listing_that_is_older_than_the_leases() {
    let mut world = settled(2, 4);
    let late = world.intercept(Fate::RequestLost, |_, call| {
        matches!(call, StoreCall::Sessions(Consistency::Strong))
    });
    world.act_now(&Action::Split(0)).unwrap();
    world.run_for(secs(6)).unwrap();
    world.lift(late);
    world.act_now(&Action::Join).unwrap();
    world.run_for(secs(10)).unwrap();
    assert_eq!(world.noticed("FencedOther"), 0, "nobody died");
    world.finish().unwrap();
}

/// A worker is fenced and goes on in a new life; then the store goes back to when it lived its old
/// one. Nobody but itself uses its id: it does not stop.
#[test]
pub(crate) fn a_store_that_goes_back_to_a_former_life() {
    let mut world = settled(3, 6);
    let planner = world.planner();
    let at = world.held().iter().position(|(name, _)| planner.as_ref() != Some(name)).unwrap();
    world.act_now(&Action::Pause(at, secs(10))).unwrap();
    world.run_for(secs(4)).unwrap();
    let before = world.now();
    wait_for(&mut world, secs(20), |world| world.noticed("Registered") == 4);
    assert_eq!(world.noticed("FencedOther"), 1);
    let lost = world.now().since(before);
    world.act_now(&Action::RollBack(lost)).unwrap();
    world.run_for(secs(20)).unwrap();
    assert_eq!(world.noticed("DuplicateWorkerId"), 0);
    assert_eq!(world.held().len(), 3);
    world.finish().unwrap();
}
