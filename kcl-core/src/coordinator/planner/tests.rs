//! What the tests of the planner's parts share: a stream, its leases, and sessions that read it.

use std::time::Duration;

use super::{catalogue::Catalogue, plan::Plan};
use crate::{
    coordinator::{context::Context, event::StreamView, heads::Standbys, tests},
    env::{Time, WallTime},
    lease::{Checkpoint, Epoch, Lease, LeaseKey, PlanVersion, Session, SessionId},
    settings::Coordination,
    stream::{HashRange, Shard, ShardId, StreamDescription, StreamKey, StreamName},
};

mod whole;

/// The life of the stream `orders` that is read.
pub(super) fn stream() -> StreamKey {
    StreamKey::new("orders", WallTime::from_millis(5))
}

pub(super) fn name() -> StreamName {
    "orders".parse().unwrap()
}

pub(super) fn described(life: u64) -> StreamDescription {
    let key = StreamKey::new("orders", WallTime::from_millis(life));
    StreamDescription::new(name(), key, Duration::from_hours(24), WallTime::from_millis(900))
}

/// A context of a worker that reads `orders`, with these settings, at time 0.
pub(super) fn context(settings: Coordination) -> Context {
    let mut ctx = tests::context(settings);
    let _ = ctx.reads.on_described(None, Ok(described(5)), Time::ZERO);
    ctx
}

pub(super) fn shard_id(number: usize) -> ShardId {
    format!("shardId-{number:012}").parse().unwrap()
}

pub(super) fn key(number: usize) -> LeaseKey {
    LeaseKey::of_shard(&stream(), &shard_id(number))
}

/// Open shards that share the hash keys.
pub(super) fn shards(count: usize) -> Vec<Shard> {
    let width = u128::MAX / u128::try_from(count).unwrap();
    let starts = (0..count).map(|number| width * u128::try_from(number).unwrap());
    let mut ranges: Vec<HashRange> =
        starts.map(|start| HashRange::new(start, start + width - 1)).collect();
    ranges.last_mut().unwrap().end = u128::MAX;
    let open = |(number, range)| Shard::open(shard_id(number), range);
    ranges.into_iter().enumerate().map(open).collect()
}

pub(super) fn view(shards: Vec<Shard>) -> StreamView {
    StreamView { description: described(5), shards }
}

/// The new row of a shard, without an owner.
pub(super) fn row_of(shard: &Shard, at: Checkpoint) -> Lease {
    let key = LeaseKey::of_shard(&stream(), &shard.id);
    Lease::new(key, at).of_shard(shard.parents.clone(), shard.range)
}

/// The rows of so many shards, held by this worker under epoch 7.
pub(super) fn held(count: usize, worker: &str) -> Vec<Lease> {
    let of = |shard: &Shard| Lease {
        owner: Some(tests::id(worker)),
        epoch: Epoch(7),
        ..row_of(shard, Checkpoint::TrimHorizon)
    };
    shards(count).iter().map(of).collect()
}

/// A session that reads `orders` and has seen that document.
pub(super) fn session(worker: &str, seen: PlanVersion) -> Session {
    let mut row = tests::session(worker).reading(name());
    row.report.seen = seen;
    row
}

/// A document's version in the term 3 that is tested.
pub(super) const fn version(version: u64) -> PlanVersion {
    PlanVersion { term: Epoch(3), version }
}

/// A catalogue of these leases and sessions.
pub(super) fn catalogue(rows: Vec<Lease>, workers: &[&str], ctx: &Context) -> Catalogue {
    let mut catalogue = Catalogue::new(Time::NEVER, Standbys::default(), ctx);
    catalogue.rows = rows.into_iter().map(|row| (row.key.clone(), row)).collect();
    for worker in workers {
        catalogue.on_seen(&session(worker, PlanVersion::NONE), ctx);
    }
    catalogue
}

/// A plan that gives these leases to these workers.
pub(super) fn plan(desired: &[(usize, &str)]) -> Plan {
    let pair = |(number, worker): &(usize, &str)| -> (LeaseKey, SessionId) {
        (key(*number), tests::id(worker))
    };
    Plan::of(desired.iter().map(pair).collect())
}
