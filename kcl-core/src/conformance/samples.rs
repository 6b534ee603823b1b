//! Sample names, numbers and rows for the cases.

use std::time::Duration;

use bytes::Bytes;

use super::Failure;
use crate::{
    env::WallTime,
    lease::{
        Checkpoint, DocName, Epoch, Incarnation, Lease, LeaseKey, PlanVersion, Progress, PutDoc,
        Report, Session, SessionId, Zone,
    },
    stream::{HashRange, Position, ShardId, StreamKey, StreamName},
};

/// The highest epoch or counter that a store must hold: a signed 64-bit column must suffice.
pub(super) const HIGHEST: u64 = u64::MAX / 2;

/// The session with this worker id and incarnation.
pub(super) fn session_id(worker: &str, incarnation: u128) -> Result<SessionId, Failure> {
    Ok(SessionId::new(worker.parse()?, Incarnation::from_bits(incarnation)))
}

/// A session with a value in every field.
pub(super) fn session(id: SessionId) -> Result<Session, Failure> {
    Ok(tacit_session(id).reading(stream(1)?).in_zone(Some(zone(1)?)))
}

/// A session as [`session`] makes it, but without stream and zone.
pub(super) fn tacit_session(id: SessionId) -> Session {
    let (timeout, interval) = (Duration::from_secs(6), Duration::from_millis(1_500));
    let mut session = Session::new(id, 3, timeout, interval);
    session.capacity = 12;
    session.report = report(1);
    session
}

/// A stream name that differs with `n`.
pub(super) fn stream(n: u64) -> Result<StreamName, Failure> {
    Ok(format!("12345678901{n}:eu-west-1:Orders_{n}.v1").parse()?)
}

/// A zone that differs with `n`.
pub(super) fn zone(n: u64) -> Result<Zone, Failure> {
    Ok(format!("eu-west-1{n}").parse()?)
}

/// A report that differs with `n` in every field.
pub(super) fn report(n: u32) -> Report {
    let number = u64::from(n);
    Report {
        seen: PlanVersion { term: Epoch(1_700_000_000_000 + number), version: number },
        changes: 2 * number,
        conflicts: 3 * number,
        watched: 100 + n,
    }
}

/// The shard id number `n`, as Kinesis writes it.
pub(super) fn shard(n: u64) -> Result<ShardId, Failure> {
    Ok(format!("shardId-{n:012}").parse()?)
}

/// The key of the lease for shard number `n` of one stream.
pub(super) fn lease_key(n: u64) -> Result<LeaseKey, Failure> {
    let stream = StreamKey::new("orders", WallTime::from_millis(1_700_000_000_000));
    Ok(LeaseKey::of_shard(&stream, &shard(n)?))
}

/// A lease that nobody has held, with parents and a hash-key range.
pub(super) fn lease(key: LeaseKey) -> Result<Lease, Failure> {
    let parents = vec![shard(91)?, shard(90)?];
    let range = HashRange::new(1 << 100, HashRange::ALL.end);
    Ok(Lease::new(key, Checkpoint::TrimHorizon).of_shard(parents, Some(range)))
}

/// A lease with a value in every field. A worker creates such a row if the row of a lease that it
/// holds is gone.
pub(super) fn full_lease(key: LeaseKey, owner: SessionId) -> Result<Lease, Failure> {
    let mut lease = lease(key)?;
    lease.epoch = Epoch(1_700_000_000_123);
    lease.checkpoint = after(40_000, 7);
    lease.progress = progress(9);
    lease.children = vec![shard(93)?, shard(92)?];
    lease.successor = Some(session_id("successor", 5)?);
    lease.avoid = Some(owner.worker.clone());
    lease.owner = Some(owner);
    Ok(lease)
}

/// The checkpoint after this position.
pub(super) fn after(sequence: u128, sub: u64) -> Checkpoint {
    Checkpoint::After(Position::new(sequence.into(), sub))
}

/// A progress that differs with `n` in every field.
pub(super) fn progress(n: u64) -> Progress {
    Progress {
        arrival: Some(WallTime::from_millis(1_700_000_000_000 + n)),
        lag: Some(Duration::from_millis(250 * n)),
        rate: 1_000 * n,
    }
}

/// Parses the name of a document.
pub(super) fn doc_name(name: &str) -> Result<DocName, Failure> {
    Ok(name.parse()?)
}

/// The write of the first version of a document.
pub(super) fn new_doc(name: &str, body: &'static [u8]) -> Result<PutDoc, Failure> {
    Ok(PutDoc::new(doc_name(name)?, None, Bytes::from_static(body)))
}
