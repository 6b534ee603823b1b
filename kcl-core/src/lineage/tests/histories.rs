//! Properties over random histories: of the stream, of what the planner reads of it and when, and
//! of owners that die at the worst moment.

use proptest::prelude::*;

use super::world::World;
use crate::lineage::Changes;

#[derive(Clone, Debug)]
enum Event {
    Split(usize),
    Merge(usize),
    Trim(usize),
    ReadRows,
    List,
    Reconcile { most: usize },
    ReadToEnd { pick: usize, dies: bool },
}

fn reshards() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (0..64_usize).prop_map(Event::Split),
        3 => (0..64_usize).prop_map(Event::Merge),
        1 => (0..4_usize).prop_map(Event::Trim),
    ]
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => reshards(),
        1 => Just(Event::ReadRows),
        1 => Just(Event::List),
        2 => (0..8_usize).prop_map(|most| Event::Reconcile { most }),
        4 => (0..64_usize, any::<bool>())
            .prop_map(|(pick, dies)| Event::ReadToEnd { pick, dies }),
    ]
}

fn happen(world: &mut World, event: &Event) {
    match *event {
        Event::Split(pick) => world.split(pick),
        Event::Merge(pick) => world.merge(pick),
        Event::Trim(most) => world.trim(most),
        Event::ReadRows => world.read_rows(),
        Event::List => world.list(),
        Event::Reconcile { most } => {
            world.reconcile(most);
        }
        Event::ReadToEnd { pick, dies } => world.read_to_end(pick, dies),
    }
}

/// A stream's past, whether reading starts now or at the oldest record, and what comes then.
#[derive(Clone, Debug)]
struct Script {
    shards: u32,
    past: Vec<Event>,
    latest: bool,
    then: Vec<Event>,
}

fn script() -> impl Strategy<Value = Script> {
    let past = prop::collection::vec(reshards(), 0..12);
    let then = prop::collection::vec(events(), 0..40);
    (1..4_u32, past, any::<bool>(), then).prop_map(|(shards, past, latest, then)| Script {
        shards,
        past,
        latest,
        then,
    })
}

fn run(script: &Script) -> World {
    let mut world = World::new(script.shards);
    script.past.iter().for_each(|event| happen(&mut world, event));
    if script.latest {
        world.start_now();
    }
    script.then.iter().for_each(|event| happen(&mut world, event));
    world.settle();
    world
}

proptest! {
    /// The world itself checks that no child is read before its parents, no shard twice, none from
    /// before the start, and that coverage has no hole at any moment.
    #[test]
    fn every_listed_shard_is_read_exactly_once_and_after_its_parents(script in script()) {
        let world = run(&script);
        world.assert_all_is_read();
    }

    #[test]
    fn no_row_outlives_its_shard(script in script()) {
        let mut world = run(&script);
        world.trim(usize::MAX);
        world.settle();
        prop_assert_eq!(world.live_rows(), world.open_shards());
    }

    #[test]
    fn what_agrees_is_left_alone(script in script()) {
        let mut world = run(&script);
        world.read_rows();
        prop_assert_eq!(world.reconcile(usize::MAX), Changes::default());
    }
}
