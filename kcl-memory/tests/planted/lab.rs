//! What the directed tests share.

use std::{collections::BTreeMap, time::Duration};

use kcl_core::{
    coordinator::Assignment,
    lease::{DocName, WorkerId},
};
use kcl_memory::sim::{Script, World};

pub(crate) use crate::traces::stage::{millis, secs};

/// A fleet that is even and at rest.
pub(crate) fn settled(seed: u64, workers: usize, shards: usize) -> World {
    at_rest(Script::quiet(seed, workers, shards))
}

/// The fleet of a script, ten seconds later.
pub(crate) fn at_rest(script: Script) -> World {
    let mut world = World::new(script);
    world.run_for(secs(10)).unwrap();
    world
}

/// Whether everything that can be read is, and no two workers differ by more than one lease.
pub(crate) fn is_balanced(world: &World) -> bool {
    let held: Vec<usize> = world.held().into_iter().map(|(_, held)| held).collect();
    let open = world.shard_leases().filter(|row| !row.has_ended()).count();
    let (most, least) = (held.iter().max().unwrap_or(&0), held.iter().min().unwrap_or(&0));
    most - least <= 1 && held.iter().sum::<usize>() >= open && world.unread().is_empty()
}

/// How long until `done`, within a few milliseconds; a minute if it never is.
pub(crate) fn time_until(world: &mut World, mut done: impl FnMut(&World) -> bool) -> Duration {
    let begun = world.now();
    while !done(world) && world.now().since(begun) < secs(60) {
        world.run_for(millis(5)).unwrap();
    }
    world.now().since(begun)
}

/// How long until the fleet is balanced, and for how long any one lease was read by nobody.
pub(crate) fn gap_until_balanced(world: &mut World) -> (Duration, Duration) {
    let mut gap = Duration::ZERO;
    let mut since = BTreeMap::new();
    let balanced = time_until(world, |world| {
        let unread = world.unread();
        since.retain(|key, _| unread.contains(key));
        for key in unread {
            let since = since.entry(key).or_insert_with(|| world.now());
            gap = gap.max(world.now().since(*since));
        }
        is_balanced(world)
    });
    (balanced, gap)
}

/// Whether what is measured is to be printed.
pub(crate) fn wants_figures() -> bool {
    std::env::var_os("KCL_FIGURES").is_some()
}

/// Fails if the longest of several measures is longer than `bound`.
pub(crate) fn assert_within(
    what: &str,
    bound: Duration,
    spans: impl IntoIterator<Item = Duration>,
) {
    let longest = spans.into_iter().max().unwrap_or_default();
    if wants_figures() {
        eprintln!("{what}: {longest:?} of {bound:?}");
    }
    assert!(longest <= bound, "{what}: {longest:?}, {bound:?} at most");
}

/// The place of a worker among those that are up.
pub(crate) fn place_of(world: &World, name: &WorkerId) -> usize {
    world.held().iter().position(|(worker, _)| worker == name).unwrap()
}

/// A worker that does not plan.
pub(crate) fn not_planning(world: &World) -> WorkerId {
    let planner = world.planner();
    let mut others = world.held().into_iter().map(|(worker, _)| worker);
    others.find(|worker| Some(worker) != planner.as_ref()).unwrap()
}

/// A worker that is neither planner nor standby.
pub(crate) fn bystander(world: &World) -> WorkerId {
    let stands_by = |name: &WorkerId| {
        let document = world.document(&DocName::assignment(name)).unwrap();
        Assignment::decode(&document.body).unwrap().rank > 1
    };
    world.held().into_iter().map(|(name, _)| name).find(stands_by).unwrap()
}
