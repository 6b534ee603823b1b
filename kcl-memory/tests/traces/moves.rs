//! Leases that change hands while calls are late or lost.

use kcl_core::coordinator::StoreCall;
use kcl_memory::sim::{Action, Fate};

use super::stage::{
    a_lease_of, acquires, acquires_a_shard, key_of_release, millis, owner, secs, settled, wait_for,
    worker,
};

/// The release of the old owner times out and its row still shows it; the plan gives the lease
/// back; only then the release lands.
#[test]
pub(crate) fn a_release_that_lands_after_the_plan_has_flipped_back() {
    let mut world = settled(2, 4);
    let releases = world.intercept(Fate::Held, |_, call| key_of_release(call).is_some());
    world.act_now(&Action::Join).unwrap();
    wait_for(&mut world, secs(5), |world| world.picked(releases) > 0);
    // The release is repeated and held again; the row stays as it was.
    wait_for(&mut world, secs(4), |world| world.picked(releases) > 1);
    // The newcomer dies: the lease is planned for its old owner again, which takes it anew.
    world.act_now(&Action::Crash(2)).unwrap();
    let before = world.acquires();
    wait_for(&mut world, secs(20), |world| world.acquires() > before);
    world.run_for(secs(1)).unwrap();
    world.lift(releases);
    world.land(releases).unwrap();
    assert!(world.shard_leases().all(|row| row.owner.is_some()), "a stale release was accepted");
    world.finish().unwrap();
}

/// The read-back of an acquire said that the lease is free; the plan moved on; then it landed.
#[test]
pub(crate) fn an_acquire_that_lands_after_its_read_back_said_unowned() {
    let mut world = super::stage::fleet(2, 4);
    let late = worker("w1");
    let held = world.intercept(Fate::Held, move |who, call| *who == late && acquires_a_shard(call));
    world.run_for(secs(4)).unwrap();
    assert!(world.picked(held) > 2, "it was tried again after it was read back");
    // Two more workers come; the leases w1 failed to take are planned for them.
    let newcomers = world.intercept(Fate::RequestLost, |who, call| {
        (who.as_str() == "w2" || who.as_str() == "w3") && acquires_a_shard(call)
    });
    world.act_now(&Action::Join).unwrap();
    world.act_now(&Action::Join).unwrap();
    wait_for(&mut world, secs(5), |world| world.picked(newcomers) > 0);
    world.land(held).unwrap();
    world.lift(held);
    world.lift(newcomers);
    // What w1 holds without running it, and is not to hold, the audit makes it release.
    world.finish().unwrap();
}

/// A release is lost on its way, for as long as five seconds.
#[test]
pub(crate) fn a_release_that_is_lost() {
    let mut world = settled(2, 4);
    let lost = world.intercept(Fate::RequestLost, |_, call| key_of_release(call).is_some());
    world.act_now(&Action::Join).unwrap();
    wait_for(&mut world, secs(5), |world| world.picked(lost) > 0);
    world.run_for(secs(3)).unwrap();
    world.lift(lost);
    world.finish().unwrap();
}

/// The owner's processor does not end its batch in time, so the lease is ordered to be taken by
/// force; the taker dies with its acquire on the way and the plan flips back; then it lands.
#[test]
pub(crate) fn a_force_in_flight_while_the_plan_flips_back() {
    let mut world = settled(2, 4);
    world.act_now(&Action::HungProcessor(0, secs(60), secs(8))).unwrap();
    world.act_now(&Action::HungProcessor(1, secs(60), secs(8))).unwrap();
    world.run_for(secs(1)).unwrap();
    let taker = worker("w2");
    let forced =
        world.intercept(Fate::Held, move |who, call| *who == taker && acquires_a_shard(call));
    world.act_now(&Action::Join).unwrap();
    wait_for(&mut world, secs(60), |world| world.noticed("Forced") > 0 && world.picked(forced) > 0);
    world.act_now(&Action::Crash(2)).unwrap();
    let before = world.acquires();
    wait_for(&mut world, secs(60), |world| world.acquires() > before);
    world.lift(forced);
    world.land(forced).unwrap();
    world.finish().unwrap();
}

/// Nobody answers for a while: batches are dropped at the deadline, and the work goes on in place.
#[test]
pub(crate) fn a_batch_dropped_at_the_deadline_and_work_resumed_in_place() {
    let mut world = settled(3, 6);
    let before = world.acquires();
    world.act_now(&Action::SlowProcessor(0, secs(2), secs(30))).unwrap();
    world.act_now(&Action::Outage(secs(9))).unwrap();
    world.run_for(secs(20)).unwrap();
    assert!(world.noticed("Lapsed") >= 3 && world.noticed("Revived") >= 3);
    assert_eq!(world.acquires(), before, "an outage is not a death: nothing moves");
    assert_eq!(world.noticed("FencedOther"), 0);
    world.finish().unwrap();
}

/// An acquire is applied but its answer is lost: the row is read back, and the work begins.
#[test]
pub(crate) fn an_acquire_whose_answer_is_lost() {
    let mut world = settled(2, 4);
    let key = a_lease_of(&world, &worker("w0"));
    let lost = {
        let key = key.clone();
        world.intercept(Fate::ReplyLost, move |_, call| acquires(call, &key))
    };
    world.act_now(&Action::Crash(0)).unwrap();
    wait_for(&mut world, secs(20), |world| world.picked(lost) > 0);
    world.lift(lost);
    wait_for(&mut world, secs(5), |world| owner(world, &key).is_some());
    world.finish().unwrap();
}

/// A checkpoint is applied twice, the second time late.
#[test]
pub(crate) fn a_checkpoint_that_lands_again_after_the_lease_has_moved() {
    let mut world = settled(2, 4);
    let late = world.intercept(Fate::Held, |_, call| matches!(call, StoreCall::Advance(_)));
    wait_for(&mut world, secs(10), |world| world.picked(late) > 3);
    world.lift(late);
    world.act_now(&Action::Join).unwrap();
    world.run_for(secs(5)).unwrap();
    world.land(late).unwrap();
    world.finish().unwrap();
}

/// The row of an order that is overdue is read; before the answer comes, if it comes, the move is
/// given up, and the same lease ordered to go to somebody else: that order has all of its time.
#[test]
pub(crate) fn a_look_at_an_order_that_is_answered_after_the_next_order() {
    for fate in [Fate::ReplyLate(millis(1_900)), Fate::ReplyLost] {
        looks_at_an_order_answered_after_the_next(fate);
    }
}

fn looks_at_an_order_answered_after_the_next(look: Fate) {
    let mut world = settled(2, 4);
    world.act_now(&Action::HungProcessor(0, secs(60), secs(30))).unwrap();
    world.act_now(&Action::HungProcessor(1, secs(60), secs(30))).unwrap();
    world.run_for(secs(1)).unwrap();
    world.act_now(&Action::Join).unwrap();
    let planner = world.planner().unwrap();
    let looks = world.intercept(look, move |who, call| {
        *who == planner && matches!(call, StoreCall::Lease(key) if !key.is_role())
    });
    wait_for(&mut world, secs(60), |world| world.picked(looks) > 0);
    world.act_now(&Action::Leave(2)).unwrap();
    world.act_now(&Action::Join).unwrap();
    world.lift(looks);
    world.run_for(secs(3)).unwrap();
    assert_eq!(world.noticed("Forced"), 0, "an order was cut short");
    world.finish().unwrap();
}

/// A lease is released and not taken yet when a worker comes that has as little as its successor,
/// and whose id comes before: the lease goes where it was to go.
#[test]
pub(crate) fn a_handover_that_is_planned_anew_between_its_release_and_its_acquire() {
    let mut world = settled(9, 10);
    let successor = worker("w9");
    let lost = world
        .intercept(Fate::RequestLost, move |who, call| *who == successor && acquires_a_shard(call));
    world.act_now(&Action::Join).unwrap();
    wait_for(&mut world, secs(5), |world| world.picked(lost) > 0);
    world.act_now(&Action::Join).unwrap();
    wait_for(&mut world, secs(5), |world| world.held().len() == 11);
    world.run_for(secs(2)).unwrap();
    world.lift(lost);
    wait_for(&mut world, secs(5), |world| world.shard_leases().all(|row| row.owner.is_some()));
    assert!(world.held().contains(&(worker("w10"), 0)), "the handover was called off");
    world.finish().unwrap();
}
