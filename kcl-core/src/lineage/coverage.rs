//! The check that every record has, or will have, a lease that reads it.

use super::Lineage;
use crate::{
    lease::Lease,
    stream::{HashKey, HashRange},
};

/// The parts of the hash-key space that no lease reads or will read, once `create` is done: neither
/// an unfinished lease, nor a shard that follows from one. Empty if a range is not known: a source
/// without hash keys has no holes.
///
/// A hole that stays is an alarm: the records of that range are not read, and the stream lists no
/// shard without a row that could fill it.
pub(super) fn holes(lineage: &Lineage<'_>, create: &[Lease]) -> Vec<HashRange> {
    let nodes = lineage.nodes();
    let is_unfinished = |row: &Lease| !row.has_ended();
    let mut read: Vec<bool> =
        nodes.iter().map(|node| node.row.is_some_and(is_unfinished)).collect();
    let made = create.iter().filter_map(|row| lineage.position(row.key.place()?.2));
    for at in made {
        read[at] = true;
    }
    mark_followers(lineage, &mut read);
    let read = nodes.iter().zip(read).filter(|(_, read)| *read);
    let ranges: Option<Vec<HashRange>> = read.map(|(node, _)| node.range()).collect();
    ranges.map(gaps).unwrap_or_default()
}

/// Marks the listed shards without a row that get one when their parents end.
fn mark_followers(lineage: &Lineage<'_>, read: &mut [bool]) {
    for at in lineage.parents_first() {
        let node = &lineage.nodes()[at];
        let mut parents = node.parents().iter().filter_map(|id| lineage.position(id.as_str()));
        if node.row.is_none() && parents.any(|parent| read[parent]) {
            read[at] = true;
        }
    }
}

/// The parts of the whole hash-key space that `ranges` do not cover, in order.
///
/// ```
/// use kcl_core::{lineage::gaps, stream::HashRange};
///
/// let covered = vec![HashRange::new(0, 9), HashRange::new(5, 99)];
/// assert_eq!(gaps(covered), [HashRange::new(100, u128::MAX)]);
/// ```
#[must_use]
pub fn gaps(mut ranges: Vec<HashRange>) -> Vec<HashRange> {
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
