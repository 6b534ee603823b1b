//! Two streams under one application name.

use kcl_core::{
    coordinator::StoreCall,
    lease::{DocName, Streams, WorkerId},
};
use kcl_memory::sim::{Action, Fate, Script, Step, World};

use super::stage::{millis, secs, wait_for, worker};

/// A fleet in a world that has a second stream.
fn two_streams(workers: usize, seed: u64) -> World {
    // The step is there for the second stream, and comes after everything.
    let last = Step::new(100_000_000, Action::JoinOther);
    World::new(Script::quiet(seed, workers, 4).with(vec![last])).traced()
}

/// The same, settled, with its first stream read.
fn reading(workers: usize) -> World {
    let mut world = two_streams(workers, 7);
    world.run_for(secs(10)).unwrap();
    assert_eq!(named(&world), Some("orders".to_owned()));
    world
}

/// The stream that the store names.
fn named(world: &World) -> Option<String> {
    let doc = world.document(&DocName::streams())?;
    Streams::decode(&doc.body).unwrap().name().map(ToString::to_string)
}

fn puts_streams(call: &StoreCall) -> bool {
    matches!(call, StoreCall::PutDoc(put) if put.name == DocName::streams())
}

fn of(name: &str) -> impl Fn(&WorkerId, &StoreCall) -> bool + use<> {
    let name = worker(name);
    move |who, call| *who == name && puts_streams(call)
}

fn holds(world: &World, name: &str) -> usize {
    let held = world.held().into_iter().find(|(who, _)| who.as_str() == name);
    held.map_or(0, |(_, held)| held)
}

/// Two workers of two streams start at once on an empty store: one stream is read, the other worker
/// leaves.
#[test]
pub(crate) fn two_streams_at_once_on_an_empty_store() {
    for seed in 0..10 {
        let mut world = two_streams(1, seed);
        world.run_for(secs(0)).unwrap();
        world.act_now(&Action::JoinOther).unwrap();
        world.run_for(secs(15)).unwrap();
        assert_eq!(world.held().len(), 1, "one is left");
        assert!(world.held()[0].1 > 0, "and reads");
        world.finish().unwrap();
    }
}

/// A live fleet is not disturbed by a worker of another stream, whatever its id.
#[test]
pub(crate) fn a_stranger_leaves_a_live_fleet_alone() {
    let mut world = reading(2);
    let before = world.acquires();
    world.act_now(&Action::JoinOther).unwrap();
    world.run_for(secs(15)).unwrap();
    assert_eq!((world.held().len(), world.acquires()), (2, before));
    assert_eq!(named(&world), Some("orders".to_owned()));
    world.finish().unwrap();
}

/// A worker of another stream that has registered, and stands still before it finds out that it has
/// to leave: it is given nothing to read.
#[test]
pub(crate) fn a_stranger_that_lingers_is_given_no_lease() {
    let mut world = reading(2);
    world.act_now(&Action::JoinOther).unwrap();
    world.run_for(millis(200)).unwrap();
    world.act_now(&Action::Pause(2, secs(4))).unwrap();
    let stranger = DocName::assignment(&worker("w2"));
    let planned = world.run_while(secs(10), |world| world.document(&stranger).is_none()).unwrap();
    assert!(!planned, "a plan was made for it:\n{}", world.trace().join("\n"));
    world.finish().unwrap();
}

/// Everybody is killed, and as many start under the same ids that read the other stream: what their
/// former lives held they leave alone.
#[test]
pub(crate) fn a_fleet_that_starts_again_with_another_stream() {
    let mut world = reading(3);
    world.act_now(&Action::RestartOther(secs(1))).unwrap();
    world.run_for(secs(25)).unwrap();
    assert_eq!(named(&world), Some("payments".to_owned()));
    assert_eq!(world.held().iter().map(|(_, held)| held).sum::<usize>(), 4);
    world.finish().unwrap();
}

/// The switch is on its way while a worker of the former stream joins: it lands too late, and who
/// sent it leaves.
#[test]
pub(crate) fn a_switch_that_lands_after_another_has_joined() {
    let mut world = reading(1);
    world.act_now(&Action::Crash(0)).unwrap();
    world.act_now(&Action::JoinOther).unwrap();
    let switch = world.intercept(Fate::Held, of("w1"));
    wait_for(&mut world, secs(20), |world| world.picked(switch) > 0);
    world.lift(switch);
    world.act_now(&Action::Join).unwrap();
    wait_for(&mut world, secs(5), |world| world.noticed("Registered") == 2);
    world.land(switch).unwrap();
    world.run_for(secs(15)).unwrap();
    assert_eq!(named(&world), Some("orders".to_owned()));
    assert_eq!(holds(&world, "w2"), 4);
    world.finish().unwrap();
}

/// A worker finds its stream named; before it has put that again, the application is changed to
/// another stream. Its put is refused, and it leaves.
#[test]
pub(crate) fn a_pass_that_is_refused_by_a_switch() {
    let mut world = reading(1);
    world.act_now(&Action::Crash(0)).unwrap();
    world.act_now(&Action::JoinOther).unwrap();
    let switch = world.intercept(Fate::Held, of("w1"));
    let pass = world.intercept(Fate::Held, of("w2"));
    wait_for(&mut world, secs(20), |world| world.picked(switch) > 0);
    world.act_now(&Action::Join).unwrap();
    wait_for(&mut world, secs(5), |world| world.picked(pass) > 0);
    world.lift(switch);
    world.land(switch).unwrap();
    world.land(pass).unwrap();
    world.lift(pass);
    world.run_for(secs(20)).unwrap();
    assert_eq!(named(&world), Some("payments".to_owned()));
    assert_eq!((holds(&world, "w1"), world.held().len()), (4, 1));
    world.finish().unwrap();
}

/// A put that was refused says that another was first, not that mine was: the application has been
/// changed to another stream just before.
#[test]
pub(crate) fn a_refusal_that_names_another_stream() {
    let mut world = reading(1);
    world.act_now(&Action::Crash(0)).unwrap();
    world.act_now(&Action::JoinOther).unwrap();
    let switch = world.intercept(Fate::Held, of("w1"));
    let pass = world.intercept(Fate::RequestLate(secs(1)), of("w2"));
    wait_for(&mut world, secs(20), |world| world.picked(switch) > 0);
    world.act_now(&Action::Join).unwrap();
    wait_for(&mut world, secs(5), |world| world.picked(pass) > 0);
    world.lift(switch);
    world.land(switch).unwrap();
    world.run_for(secs(20)).unwrap();
    world.lift(pass);
    world.run_for(secs(10)).unwrap();
    assert_eq!(named(&world), Some("payments".to_owned()));
    world.finish().unwrap();
}

/// The store loses the change of the stream, and the end of the session that read the former one,
/// which is dead. A worker of that stream starts: only one of the two goes on.
#[test]
pub(crate) fn a_store_that_loses_the_change_of_the_stream() {
    let mut world = reading(1);
    world.act_now(&Action::Crash(0)).unwrap();
    world.act_now(&Action::JoinOther).unwrap();
    wait_for(&mut world, secs(20), |world| named(world).as_deref() == Some("payments"));
    world.run_for(secs(1)).unwrap();
    world.act_now(&Action::RollBack(secs(2))).unwrap();
    world.act_now(&Action::Join).unwrap();
    world.run_for(secs(30)).unwrap();
    assert_eq!(world.held().len(), 1);
    world.finish().unwrap();
}

/// The stream is made again, a worker joins that knows the new one, and a worker is fenced that
/// knows the former one: it asks the stream anew, and joins again.
#[test]
pub(crate) fn a_worker_that_knows_a_former_life_of_the_stream() {
    let mut world = World::new(Script::quiet(7, 3, 6)).traced();
    world.run_for(secs(10)).unwrap();
    let planner = world.planner().unwrap();
    let at = world.held().iter().position(|(name, _)| *name != planner).unwrap();
    world.act_now(&Action::Isolate(at, secs(12))).unwrap();
    world.act_now(&Action::RemakeStream).unwrap();
    world.act_now(&Action::Join).unwrap();
    world.run_for(secs(90)).unwrap();
    assert_eq!(world.held().len(), 4);
    world.finish().unwrap();
}
