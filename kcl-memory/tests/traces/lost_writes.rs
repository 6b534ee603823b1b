//! Stores that go back in time at bad moments.

use std::time::Duration;

use kcl_core::{
    coordinator::StoreCall,
    env::Time,
    lease::{DocName, Document, WorkerId},
    settings::InitialPosition,
};
use kcl_memory::sim::{Action, Fate, Script, World};

use super::stage::{millis, secs, settled, wait_for, worker};

/// A fleet that reads what comes after its start.
fn from_latest(seed: u64, workers: usize, shards: usize) -> World {
    let mut script = Script::quiet(seed, workers, shards);
    script.settings.initial_position = InitialPosition::Latest;
    World::new(script).traced()
}

/// The document of the frozen start, once the stream has leases.
fn frozen(world: &mut World) -> Document {
    wait_for(world, secs(2), |world| world.shard_leases().next().is_some());
    let stream = world.shard_leases().find_map(|row| row.key.stream()).unwrap();
    world.document(&DocName::start(&stream)).unwrap().clone()
}

/// The store is as it was then.
fn roll_back_to(world: &mut World, then: Time) {
    let lost = world.now().since(then);
    world.act_now(&Action::RollBack(lost)).unwrap();
}

fn is_plan(_: &WorkerId, call: &StoreCall) -> bool {
    matches!(call, StoreCall::PutDoc(put) if put.name.as_str().starts_with("assignment:"))
}

/// Whether the store has the start that it had.
fn assert_is_back(world: &World, start: &Document) {
    assert_eq!(world.document(&start.name).map(|doc| &doc.body), Some(&start.body));
}

/// The frozen start is among the writes that the store loses. The planner writes it again, or its
/// successor does, as it was; otherwise whoever starts later would freeze another one.
#[test]
pub(crate) fn a_store_that_loses_the_frozen_start() {
    for planner_dies in [false, true] {
        let mut world = from_latest(1, 3, 6);
        let start = frozen(&mut world);
        world.run_for(secs(1)).unwrap();
        if planner_dies {
            world.act_now(&Action::CrashPlanner).unwrap();
        }
        // As the store was before its first plan.
        roll_back_to(&mut world, Time::from_micros(400_000));
        assert!(world.document(&start.name).is_none() && world.shard_leases().next().is_none());
        world.run_for(secs(20)).unwrap();
        assert_is_back(&world, &start);
        world.finish().unwrap();
    }
}

/// The store loses all it ever had before anybody but the planner heard of the start. Another
/// worker is the first to come back, and waits for who knows it.
#[test]
pub(crate) fn a_start_that_only_a_former_planner_knows() {
    let mut world = from_latest(3, 4, 1);
    let start = frozen(&mut world);
    let former = world.planner().unwrap();
    let plans = world.intercept(Fate::RequestLost, is_plan);
    roll_back_to(&mut world, Time::ZERO);
    world.run_for(secs(1)).unwrap();
    world.lift(plans);
    wait_for(&mut world, secs(4), |world| world.planner().is_some());
    assert_ne!(world.planner(), Some(former), "another seed is needed");
    world.run_for(secs(20)).unwrap();
    assert_is_back(&world, &start);
    world.finish().unwrap();
}

/// The store loses all it ever had. Another worker plans before it has heard of
/// that: what it does not find may be what was lost.
#[test]
pub(crate) fn a_planner_that_has_not_heard_that_its_store_went_back() {
    let mut world = from_latest(1, 3, 6);
    let start = frozen(&mut world);
    let beats = world.intercept(Fate::Refused, |_, call| matches!(call, StoreCall::Beat(_)));
    // Nobody has heard of a plan, and so everybody looks for a planner.
    let plans = world.intercept(Fate::RequestLost, is_plan);
    roll_back_to(&mut world, Time::ZERO);
    assert!(world.document(&start.name).is_none());
    let before = world.noticed("Planning");
    wait_for(&mut world, secs(4), |world| world.noticed("Planning") > before);
    world.run_for(millis(500)).unwrap();
    world.lift(beats);
    world.lift(plans);
    world.run_for(secs(20)).unwrap();
    assert_is_back(&world, &start);
    world.finish().unwrap();
}

/// The store goes back while a plan is made, and that was because it had gone back before. The plan
/// is given up, and not waited for.
#[test]
pub(crate) fn a_store_that_goes_back_twice_during_one_plan() {
    let mut world = settled(2, 4);
    let planner = world.planner().unwrap();
    let slow = world.intercept(Fate::ReplyLate(millis(1_900)), move |who, call| {
        *who == planner && matches!(call, StoreCall::Sessions(_))
    });
    world.act_now(&Action::RollBack(Duration::ZERO)).unwrap();
    wait_for(&mut world, secs(3), |world| world.noticed("StoreWentBack") == 2);
    world.run_for(millis(100)).unwrap();
    world.act_now(&Action::RollBack(Duration::ZERO)).unwrap();
    world.run_for(secs(4)).unwrap();
    world.lift(slow);
    let planner = world.planner();
    let other = world.held().iter().position(|(who, _)| Some(who) != planner.as_ref()).unwrap();
    world.act_now(&Action::Leave(other)).unwrap();
    wait_for(&mut world, secs(10), |world| world.held().len() == 1 && world.held()[0].1 == 4);
    world.finish().unwrap();
}

/// A worker that gives two leases away is told of the second when it has released the first, and so
/// of the first once more. The store loses both releases: they are made again.
#[test]
pub(crate) fn releases_that_the_store_loses() {
    let mut world = World::new(Script::quiet(1, 1, 6)).traced();
    world.run_for(secs(10)).unwrap();
    let late = world.intercept(Fate::RequestLate(millis(600)), |who, call| {
        *who == worker("w2") && matches!(call, StoreCall::Beat(_))
    });
    world.act_now(&Action::Join).unwrap();
    world.act_now(&Action::Join).unwrap();
    let held = |world: &World, name: &str| {
        world
            .shard_leases()
            .filter(|row| row.owner.as_ref().is_some_and(|o| o.worker == worker(name)))
            .count()
    };
    wait_for(&mut world, secs(5), |world| held(world, "w0") < 6);
    let before = world.now().since(Time::ZERO) - millis(2);
    wait_for(&mut world, secs(5), |world| held(world, "w2") == 2);
    world.lift(late);
    roll_back_to(&mut world, Time::ZERO + before);
    assert_eq!(held(&world, "w0"), 6);
    wait_for(&mut world, secs(15), |world| held(world, "w1") == 2 && held(world, "w2") == 2);
    world.finish().unwrap();
}

/// A worker starts while another process uses its id, and ends that one. The store loses the end,
/// and both live: the newer one ends the older again, or the older sees it and stops.
#[test]
pub(crate) fn the_end_of_an_older_session_that_the_store_loses() {
    let mut world = settled(3, 6);
    let ends = world.intercept(Fate::RequestLate(millis(500)), |_, call| {
        matches!(call, StoreCall::EndSession(_))
    });
    world.act_now(&Action::JoinAs(0)).unwrap();
    wait_for(&mut world, secs(2), |world| world.picked(ends) == 1);
    let registered = world.now();
    world.lift(ends);
    world.run_for(millis(503)).unwrap();
    roll_back_to(&mut world, registered);
    assert_eq!(world.held().len(), 4, "the older one has not heard of its end");
    wait_for(&mut world, secs(5), |world| world.held().len() == 3);
    world.finish().unwrap();
}
