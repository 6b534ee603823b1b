//! A picture for tests: an application with four shards and two workers.

use std::time::Duration;

use kcl_core::{
    coordinator::StreamView,
    env::WallTime,
    lease::{Checkpoint, Incarnation, Lease, LeaseKey, Session, SessionId},
    placing,
    settings::Coordination,
    stream::{HashRange, Shard, StreamDescription, StreamKey},
};
use kcl_memory::MemoryStore;

use super::Picture;

pub(crate) const HOUR: u64 = 3_600_000;

pub(crate) fn stream() -> StreamKey {
    StreamKey::new("orders", WallTime::from_millis(5))
}

pub(crate) fn id(worker: &str) -> SessionId {
    SessionId::new(worker.parse().unwrap(), Incarnation::from_bits(1))
}

pub(crate) fn shard(number: usize, closed: bool) -> Shard {
    let quarter = u128::MAX / 4;
    let start = quarter * u128::try_from(number % 4).unwrap();
    let mut shard = Shard::open(name(number).parse().unwrap(), HashRange::new(start, start + 9));
    shard.closed = closed;
    shard
}

pub(crate) fn name(number: usize) -> String {
    format!("shardId-{number:012}")
}

pub(crate) fn row(shard: &Shard, owner: &str) -> Lease {
    let at = if shard.closed { Checkpoint::ShardEnd } else { Checkpoint::TrimHorizon };
    let mut row = Lease::new(LeaseKey::of_shard(&stream(), &shard.id), at)
        .of_shard(shard.parents.clone(), shard.range);
    row.owner = (!shard.closed).then(|| id(owner));
    row
}

pub(crate) fn session(worker: &str) -> Session {
    Session::new(id(worker), 1, Duration::from_secs(6), Duration::from_millis(1_500))
}

/// An application in which `worker-1` holds all four shards; shard 9 has ended and has no children.
/// The rules are those in `store`.
pub(crate) async fn picture(store: &MemoryStore) -> Picture {
    let mut shards: Vec<Shard> = (0..4).map(|number| shard(number, false)).collect();
    shards.push(shard(9, true));
    let now = WallTime::from_millis(1_000 * HOUR);
    let retention = Duration::from_hours(24);
    let description = StreamDescription::new("orders".parse().unwrap(), stream(), retention, now);
    Picture {
        application: "indexer".to_owned(),
        store: "memory:".to_owned(),
        stored: placing::read(store).await.unwrap(),
        stream: Some(description.clone()),
        rows: shards.iter().map(|shard| row(shard, "worker-1")).collect(),
        listed: Ok(StreamView { description, shards }),
        living: ["worker-1", "worker-2"].map(session).into(),
        inherited: None,
        settings: Coordination::default(),
        now,
    }
}
