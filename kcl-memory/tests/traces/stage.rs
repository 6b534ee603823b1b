//! What the traces share.

use std::time::Duration;

use kcl_core::{
    coordinator::StoreCall,
    lease::{LeaseKey, SessionId, WorkerId},
    settings::Coordination,
};
use kcl_memory::sim::{Script, World};

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A fleet that has settled for ten seconds.
pub(crate) fn settled(workers: usize, shards: usize) -> World {
    let mut world = fleet(workers, shards);
    world.run_for(secs(10)).unwrap();
    world
}

/// A fleet that has not started yet, whose handoffs are forced after four seconds.
pub(crate) fn fleet(workers: usize, shards: usize) -> World {
    let mut script = Script::quiet(7, workers, shards);
    script.settings = impatient();
    World::new(script).traced()
}

fn impatient() -> Coordination {
    let mut settings = Coordination::default();
    settings.handoff_timeout = secs(4);
    settings
}

pub(crate) fn worker(name: &str) -> WorkerId {
    name.parse().unwrap()
}

/// The lease that this worker was asked to release, or asks to.
pub(crate) fn key_of_release(call: &StoreCall) -> Option<&LeaseKey> {
    match call {
        StoreCall::Release(release) if !release.key.is_role() => Some(&release.key),
        _ => None,
    }
}

pub(crate) fn acquires(call: &StoreCall, key: &LeaseKey) -> bool {
    matches!(call, StoreCall::Acquire(acquire) if acquire.key == *key)
}

pub(crate) fn acquires_a_shard(call: &StoreCall) -> bool {
    matches!(call, StoreCall::Acquire(acquire) if !acquire.key.is_role())
}

pub(crate) fn owner(world: &World, key: &LeaseKey) -> Option<SessionId> {
    world.lease(key).and_then(|row| row.owner.clone())
}

/// The first shard lease that this worker holds.
pub(crate) fn a_lease_of(world: &World, name: &WorkerId) -> LeaseKey {
    let held = |row: &&kcl_core::lease::Lease| {
        row.owner.as_ref().is_some_and(|owner| owner.worker == *name)
    };
    world.shard_leases().find(held).map(|row| row.key.clone()).expect("it holds a lease")
}

/// Runs until `done` holds, or fails.
pub(crate) fn wait_for(world: &mut World, limit: Duration, done: impl Fn(&World) -> bool) {
    let reached = world.run_while(limit, |world| !done(world)).unwrap();
    assert!(reached, "not reached within {limit:?}:\n{}", world.trace().join("\n"));
}
