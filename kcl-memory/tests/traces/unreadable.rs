//! Documents that make no sense, of another version or damaged. They are no proof that there is
//! none.

use bytes::Bytes;
use kcl_core::lease::{DocName, Document, WorkerId};
use kcl_memory::sim::{Action, World};

use super::stage::{fleet, secs, settled, wait_for};

/// The name of the document in which the start of the stream is frozen.
fn start_of(world: &World) -> DocName {
    let is_start = |name: &&DocName| name.as_str().starts_with("start:");
    world.docs().keys().find(is_start).cloned().expect("a start is frozen")
}

fn write(world: &mut World, name: &DocName, body: &'static str) {
    let body = Bytes::from_static(body.as_bytes());
    let version = world.docs().get(name).map_or(1, |doc| doc.version + 1);
    let doc = Document::new(name.clone(), version, body);
    world.tamper_docs(|docs| drop(docs.insert(name.clone(), doc)));
}

/// A start that cannot be read is neither taken for none, nor for the oldest record: nothing begins
/// before it is mended, and it is said why.
#[test]
pub(crate) fn a_frozen_start_that_cannot_be_read_is_not_frozen_anew() {
    // Where the start stands is the same in each such world.
    let name = start_of(&settled(2, 4));
    for unreadable in ["{\"from\":\"somewhere\"}", "{}", "not JSON", ""] {
        let mut world = fleet(2, 4);
        write(&mut world, &name, unreadable);
        world.run_for(secs(60)).unwrap();
        assert_eq!(world.docs()[&name].body, unreadable, "it is written over");
        assert_eq!(world.shard_leases().count(), 0, "{unreadable:?}: where they start is unknown");
        assert!(world.noticed("Unreadable") > 0, "{unreadable:?}: nobody says why");
        write(&mut world, &name, "{\"at\":null}");
        wait_for(&mut world, secs(60), |world| world.shard_leases().count() == 4);
        world.finish().unwrap();
    }
}

/// Rows that are there are read on although nobody can tell where reading began, and so are the
/// shards that continue theirs.
#[test]
pub(crate) fn what_has_rows_is_read_on_without_the_start() {
    let mut world = settled(3, 3);
    let name = start_of(&world);
    // Nobody who knows the start is left, nor a document that tells it.
    for _ in 0..3 {
        world.act_now(&Action::Crash(0)).unwrap();
    }
    world.tamper_docs(|docs| docs.retain(|other, _| *other == name));
    write(&mut world, &name, "{\"from\":\"somewhere\"}");
    for _ in 0..2 {
        world.act_now(&Action::Join).unwrap();
    }
    let all_read = |world: &World| world.held().iter().map(|(_, held)| held).sum::<usize>() >= 3;
    wait_for(&mut world, secs(60), all_read);
    world.act_now(&Action::Split(0)).unwrap();
    let four = |world: &World| world.shard_leases().filter(|row| !row.has_ended()).count() == 4;
    wait_for(&mut world, secs(60), four);
    assert!(world.noticed("Unreadable") > 0);
}

/// A document of a worker that makes no sense is not written over in silence, and one that was
/// written in a higher term not at all, whatever else is in it.
#[test]
pub(crate) fn an_assignment_that_cannot_be_read_is_not_passed_over_in_silence() {
    let mut world = settled(4, 8);
    let planner = world.planner().unwrap();
    let others = world.held().into_iter().map(|(worker, _)| worker).filter(|it| *it != planner);
    let [told, first, second]: [WorkerId; 3] = others.collect::<Vec<_>>().try_into().unwrap();
    let name = DocName::assignment(&told);
    let crash = |world: &mut World, who: &WorkerId| {
        let which = world.held().iter().position(|(worker, _)| worker == who);
        world.act_now(&Action::Crash(which.unwrap())).unwrap();
    };
    let damaged = "{\"holds\":[]}";
    write(&mut world, &name, damaged);
    crash(&mut world, &first);
    // The planner meets it, says so, and writes one that makes sense: its worker is given more.
    wait_for(&mut world, secs(20), |world| world.docs()[&name].body != damaged);
    assert!(world.noticed("Unreadable") > 0);
    assert_eq!(world.noticed("StoppedPlanning"), 0);
    let newer = "{\"p\":{\"t\":9000000000000000000,\"v\":1},\"h\":{\"by\":\"shard\"}}";
    write(&mut world, &name, newer);
    crash(&mut world, &second);
    wait_for(&mut world, secs(20), |world| world.noticed("StoppedPlanning") > 0);
    world.run_for(secs(20)).unwrap();
    assert_eq!(world.docs()[&name].body, newer, "a planner of a higher term is somewhere");
}

/// A planner that never could read the placement rules moves nothing that a live worker holds.
#[test]
pub(crate) fn placement_rules_that_cannot_be_read_are_not_taken_for_none() {
    let mut world = settled(3, 6);
    // Everything at one worker, so that a plan without rules would move most of it.
    let planner = world.planner();
    let reader = world.held().iter().position(|(worker, _)| Some(worker) != planner.as_ref());
    for shard in 0..6 {
        world.act_now(&Action::Require(shard, reader.unwrap())).unwrap();
    }
    let at_one = |world: &World| world.held().iter().any(|(_, held)| *held == 6);
    wait_for(&mut world, secs(120), at_one);
    world.run_for(secs(20)).unwrap();
    let owners =
        |world: &World| -> Vec<_> { world.shard_leases().map(|row| row.owner.clone()).collect() };
    let before = owners(&world);
    world.act_now(&Action::GarbleRules).unwrap();
    world.act_now(&Action::CrashPlanner).unwrap();
    world.act_now(&Action::Join).unwrap();
    world.run_for(secs(90)).unwrap();
    assert!(world.planner().is_some() && world.planner() != planner);
    assert!(world.noticed("BadRules") > 0);
    assert_eq!(owners(&world), before);
}
