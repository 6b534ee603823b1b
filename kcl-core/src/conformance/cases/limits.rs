//! The longest names, the highest numbers, the largest documents.

use std::time::Duration;

use bytes::Bytes;

use crate::{
    conformance::{
        Failure,
        bench::Bench,
        failure::{Check, same},
        samples::{HIGHEST, after, lease, lease_key, session, session_id, shard},
    },
    env::WallTime,
    lease::{
        Acquire, Advance, Beat, Checkpoint, DocName, Document, EndSession, Ending, Epoch, Lease,
        LeaseKey, PlanVersion, Progress, PutDoc, Release, Report, Restart, SessionId, WorkerId,
        Zone,
    },
    store::{Consistency, LeaseStoreExt},
    stream::{HashRange, Position, SequenceNumber, ShardId, StreamKey, StreamName},
};

/// A name of `length` characters with every character that a name may have.
fn long(length: usize) -> String {
    let alphabet = "zA09_.-:@";
    alphabet.chars().cycle().take(length).collect()
}

/// A name of `length` characters with every character that a shard or a stream may have.
fn long_plain(length: usize) -> String {
    "zA09_.-".chars().cycle().take(length).collect()
}

/// The longest lease key, which a stream name and a shard id fill up to the limit.
fn longest_key() -> Result<LeaseKey, Failure> {
    let shard: ShardId = long_plain(ShardId::MAX_LENGTH).parse()?;
    let created = WallTime::from_millis(u64::MAX);
    let around = format!("//{}{shard}", u64::MAX).len();
    let stream = StreamKey::new(&long_plain(LeaseKey::MAX_LENGTH - around), created);
    Ok(LeaseKey::of_shard(&stream, &shard).as_str().parse()?)
}

/// Finds columns and keys that are too short, and names that are cut. A name that is cut could be
/// the name of another row.
pub(super) async fn the_longest_names_are_kept(bench: Bench) -> Check {
    let mut script = bench.script().await?;
    let owner = session_id(&long(WorkerId::MAX_LENGTH), u128::MAX)?;
    let stream: StreamName = long(StreamName::MAX_LENGTH).replace('@', ":").parse()?;
    let zone: Zone = long(Zone::MAX_LENGTH).parse()?;
    script.done(session(owner.clone())?.reading(stream).in_zone(Some(zone))).await?;
    script.done(owner.clone()).await?;
    // The longest lease key, parents, children, successor and worker to avoid.
    let key = longest_key()?;
    let parent: ShardId = long_plain(ShardId::MAX_LENGTH).parse()?;
    let children = vec![parent.clone(); 20];
    let new = Lease::new(key.clone(), Checkpoint::TrimHorizon)
        .of_shard(vec![parent.clone(), parent], Some(HashRange::ALL));
    script.done(new.clone()).await?;
    script.done(Acquire::new(&new, owner.clone(), Epoch(1))).await?;
    let release = Release::new(key.clone(), owner.clone(), Epoch(1));
    script.done(release.to(Some(owner.clone())).avoiding(true)).await?;
    let free = script.lease(&key)?.clone();
    script.done(Acquire::new(&free, owner.clone(), Epoch(2))).await?;
    let end = Advance::new(key.clone(), owner.clone(), Epoch(2), Checkpoint::ShardEnd);
    script.done(end.with_children(children)).await?;
    let name: DocName = long(DocName::MAX_LENGTH).parse()?;
    script.done(PutDoc::new(name, None, Bytes::from_static(b"x"))).await?;
    // A listing must return them as well as a read.
    let listed = script.store().all_sessions(Consistency::Strong).await?;
    same("the session listed", &listed, &vec![script.session(&owner)?.clone()])?;
    let listed = script.store().all_leases().await?;
    same("the lease listed", &listed, &vec![script.lease(&key)?.clone()])
}

/// Finds numbers that lose precision as floating-point numbers, and columns that are too narrow.
/// New epochs are at least the store's time, in milliseconds since 1970.
pub(super) async fn the_highest_numbers_are_kept(bench: Bench) -> Check {
    let mut script = bench.script().await?;
    let id = session_id("worker", 0)?;
    let mut highest = session(id.clone())?;
    highest.start = HIGHEST;
    highest.capacity = u32::MAX;
    highest.timeout = Duration::from_secs(366 * 24 * 3600);
    highest.interval = Duration::from_millis(1);
    highest.mailbox = HIGHEST - 1;
    script.done(highest).await?;
    script.done(id.clone()).await?;
    let report = Report {
        seen: PlanVersion { term: Epoch(HIGHEST), version: HIGHEST },
        changes: HIGHEST,
        conflicts: HIGHEST,
        watched: u32::MAX,
    };
    script.done(Beat::new(id.clone(), HIGHEST - 1, report)).await?;
    // As floating-point numbers, these beats and the one in the fence would be equal.
    script.refused(Beat::new(id.clone(), HIGHEST - 2, report)).await?;
    script.done(Beat::new(id.clone(), HIGHEST, report)).await?;
    let near = EndSession::new(id.clone(), Ending::Fence { beat: HIGHEST - 1 });
    script.refused(near).await?;
    leases_hold_the_highest(&mut script, &id).await?;
    script.done(EndSession::new(id, Ending::Fence { beat: HIGHEST })).await
}

/// The part of the case that is about leases.
async fn leases_hold_the_highest(
    script: &mut crate::conformance::script::Script,
    owner: &SessionId,
) -> Check {
    let key = lease_key(1)?;
    let mut new = lease(key.clone())?;
    new.epoch = Epoch(HIGHEST - 2);
    new.range = Some(HashRange::new(HashRange::ALL.end, HashRange::ALL.end));
    script.done(new.clone()).await?;
    // Numbers this high differ only beyond the precision of a floating-point number.
    let mut wrong = Acquire::new(&new, owner.clone(), Epoch(HIGHEST));
    wrong.seen_epoch = Epoch(HIGHEST - 3);
    script.refused(wrong).await?;
    script.refused(Acquire::new(&new, owner.clone(), Epoch(HIGHEST - 2))).await?;
    script.done(Acquire::new(&new, owner.clone(), Epoch(HIGHEST - 1))).await?;
    let progress = Progress {
        arrival: Some(WallTime::from_millis(HIGHEST)),
        lag: Some(Duration::from_millis(HIGHEST)),
        rate: HIGHEST,
    };
    let write = |epoch, sequence: SequenceNumber, sub| {
        let at = Checkpoint::After(Position::new(sequence, sub));
        Advance::new(key.clone(), owner.clone(), Epoch(epoch), at).with_progress(progress)
    };
    let digits = "9".repeat(SequenceNumber::MAX_DIGITS);
    let highest: SequenceNumber = digits.parse()?;
    let below: SequenceNumber = format!("{}8", &digits[1..]).parse()?;
    script.refused(write(HIGHEST, below.clone(), 0)).await?;
    script.done(write(HIGHEST - 1, below.clone(), u64::MAX)).await?;
    script.refused(write(HIGHEST - 1, below.clone(), u64::MAX - 1)).await?;
    script.done(write(HIGHEST - 1, highest.clone(), u64::MAX - 1)).await?;
    script.done(write(HIGHEST - 1, highest.clone(), u64::MAX)).await?;
    script.refused(write(HIGHEST - 1, below, u64::MAX)).await?;
    let end = Advance::new(key.clone(), owner.clone(), Epoch(HIGHEST - 1), Checkpoint::ShardEnd);
    script.done(end.with_children(vec![shard(u64::MAX)?])).await?;
    let ended = script.lease(&key)?.clone();
    let restart = Restart::new(&ended, Epoch(HIGHEST), Checkpoint::After(highest.into()));
    script.refused(Restart { seen_epoch: Epoch(HIGHEST - 2), ..restart.clone() }).await?;
    script.refused(Restart { epoch: Epoch(HIGHEST - 1), ..restart.clone() }).await?;
    script.done(restart).await?;
    let at = Checkpoint::AtTimestamp(WallTime::from_millis(u64::MAX));
    script.done(Lease::new(lease_key(2)?, at)).await?;
    script.done(Lease::new(lease_key(3)?, after(u128::MAX, u64::MAX))).await
}

/// A body of `Document::MAX_BODY` bytes under the longest name.
pub(super) async fn the_largest_document_is_kept(bench: Bench) -> Check {
    let mut script = bench.script().await?;
    let name: DocName = long(DocName::MAX_LENGTH).parse()?;
    let body = |seed: u8| {
        let bytes = (0..Document::MAX_BODY)
            .map(|at| seed.wrapping_add(u8::try_from(at % 251).unwrap_or(0)));
        Bytes::from_iter(bytes)
    };
    script.done(PutDoc::new(name.clone(), None, body(0))).await?;
    script.refused(PutDoc::new(name.clone(), None, body(1))).await?;
    script.done(PutDoc::new(name, Some(1), body(2))).await
}
