//! Whether every record has, or will have, a lease that reads it.

use std::collections::BTreeSet;

use super::Lineage;
use crate::{
    lease::Lease,
    stream::{HashKey, HashRange, ShardId},
};

/// The parts of the hash-key space that nothing reads or will read once `create` is done: neither
/// an unfinished lease, nor a shard that follows from one. None, if a range is unknown: a source
/// without hash keys has no holes.
///
/// A hole that stays is loud news: records of that range go unread, and the stream lists no shard
/// without a row that could fill it.
pub(super) fn holes(lineage: &Lineage<'_>, create: &[Lease]) -> Vec<HashRange> {
    let unfinished = lineage.leases().filter(|(_, lease)| !lease.has_ended());
    let made: BTreeSet<ShardId> = create.iter().filter_map(|lease| lease.key.shard()).collect();
    let read: BTreeSet<&ShardId> = unfinished.map(|(id, _)| id).chain(&made).collect();
    let read_or_to_come = with_followers(lineage, read);
    let ranges: Option<Vec<HashRange>> =
        read_or_to_come.into_iter().map(|id| lineage.range(id)).collect();
    ranges.map(gaps).unwrap_or_default()
}

/// Adds to `tracked` the listed shards without a row that will get one as their parents end.
fn with_followers<'a>(
    lineage: &'a Lineage<'_>,
    mut tracked: BTreeSet<&'a ShardId>,
) -> BTreeSet<&'a ShardId> {
    for shard in lineage.parents_first() {
        let follows = shard.parents.iter().any(|parent| tracked.contains(parent));
        if follows && lineage.lease(&shard.id).is_none() {
            tracked.insert(&shard.id);
        }
    }
    tracked
}

/// What `ranges` leave of the whole space.
fn gaps(mut ranges: Vec<HashRange>) -> Vec<HashRange> {
    ranges.sort_unstable();
    let mut gaps = Vec::new();
    let mut next: Option<HashKey> = Some(0);
    for range in ranges {
        let Some(from) = next else { break };
        if range.start > from {
            gaps.push(HashRange::new(from, range.start - 1));
        }
        next = range.end.checked_add(1).map(|after| after.max(from));
    }
    gaps.extend(next.map(|from| HashRange::new(from, HashKey::MAX)));
    gaps
}
