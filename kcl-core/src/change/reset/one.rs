//! A reset of one shard.

use std::collections::{BTreeMap, BTreeSet};

use super::{all::Unmade, place::Place};
use crate::{
    change::{
        design::{Found, Unfit},
        target::{RowChange, Spot, Target},
    },
    lease::{Checkpoint, Lease, LeaseKey},
    stream::{Position, Shard, ShardId},
};

/// The target that sets the lease back to `to`. With `with_descendants` it sets the descendants
/// back to their trim horizons, too. All other rows keep their checkpoints.
pub(super) fn plan(
    found: &Found<'_>,
    mine: &[&Lease],
    lease: &str,
    to: &Place,
    with_descendants: bool,
) -> Result<Target, Unfit> {
    let rows: BTreeMap<ShardId, &Lease> =
        mine.iter().filter_map(|row| Some((row.key.shard()?, *row))).collect();
    let (id, row) = named(&rows, lease)?;
    let Some(shard) = found.shard(&id) else {
        return Err(Unfit::Forgotten { lease: row.key.clone() });
    };
    check(found, shard, &row.key, to)?;
    let descendants = descendants(found, &rows, &id);
    let begun = |id: &&ShardId| rows.get(*id).is_some_and(|row| has_begun(row));
    // Once a descendant was read, records of its ancestor would be delivered after it. An ended
    // shard has let its children start, whether their rows say so or not.
    let is_late = row.has_ended() || descendants.iter().any(|id| begun(&id));
    if !with_descendants && is_late && !descendants.is_empty() {
        let descendants = descendants.iter().map(|id| found.key_of(id)).collect();
        return Err(Unfit::Descendants { lease: row.key.clone(), descendants });
    }
    let now = found.stream.description.server_time;
    let mut target: BTreeMap<LeaseKey, RowChange> =
        found.rows_kept().into_iter().map(|row| (row.key().clone(), row)).collect();
    let spot = Spot::at(to.checkpoint(now));
    target.insert(row.key.clone(), RowChange::moved(row, spot));
    // Descendants that the stream no longer lists are left out: their records have expired.
    if with_descendants {
        let unmade = Unmade::of(found, mine);
        for shard in descendants.iter().filter_map(|id| found.shard(id)) {
            let key = found.key_of(&shard.id);
            let change = target.entry(key).or_insert_with(|| unmade.change(found, shard));
            change.to = Spot::at(Checkpoint::TrimHorizon);
        }
    }
    Ok(Target { rows: target.into_values().collect(), docs: Vec::new() })
}

/// The row of a shard's id or a lease's whole key.
fn named<'a>(
    rows: &BTreeMap<ShardId, &'a Lease>,
    lease: &str,
) -> Result<(ShardId, &'a Lease), Unfit> {
    let is_meant =
        |(id, row): &(&ShardId, &&Lease)| id.as_str() == lease || row.key.as_str() == lease;
    match rows.iter().find(is_meant) {
        Some((id, row)) => Ok((id.clone(), row)),
        None => Err(Unfit::NoLease {
            asked: lease.chars().take(300).collect(),
            there: rows.keys().cloned().collect(),
        }),
    }
}

/// Whether a record of the shard was processed: its checkpoint is behind a record, or at the end.
const fn has_begun(row: &Lease) -> bool {
    matches!(row.checkpoint, Checkpoint::After(_) | Checkpoint::ShardEnd)
}

/// Whether the shard can hold this position.
fn check(found: &Found<'_>, shard: &Shard, lease: &LeaseKey, to: &Place) -> Result<(), Unfit> {
    let now = found.stream.description.server_time;
    match to {
        Place::At(at) if *at > now => Err(Unfit::Future { at: *at, now }),
        Place::After(position) => check_position(found, shard, lease, position),
        _ => Ok(()),
    }
}

/// Whether the shard can hold this position: it must not be below the shard's first sequence
/// number, nor at or above the first one of a child.
fn check_position(
    found: &Found<'_>,
    shard: &Shard,
    lease: &LeaseKey,
    position: &Position,
) -> Result<(), Unfit> {
    let children = found.stream.shards.iter().filter(|child| child.parents.contains(&shard.id));
    let before = children.filter_map(|child| child.starting.clone()).min();
    let too_low = shard.starting.as_ref().is_some_and(|from| position.sequence < *from);
    let too_high = before.as_ref().is_some_and(|end| position.sequence >= *end);
    if too_low || too_high {
        return Err(Unfit::Outside {
            lease: lease.clone(),
            position: position.clone(),
            from: shard.starting.clone(),
            before,
        });
    }
    Ok(())
}

/// All descendants of `id`, as the stream lists them and as the rows name them.
fn descendants(
    found: &Found<'_>,
    rows: &BTreeMap<ShardId, &Lease>,
    id: &ShardId,
) -> BTreeSet<ShardId> {
    let mut children: BTreeMap<&ShardId, Vec<&ShardId>> = BTreeMap::new();
    let listed = found.stream.shards.iter().map(|shard| (&shard.id, &shard.parents));
    let with_rows = rows.iter().map(|(id, row)| (id, &row.parents));
    for (child, parents) in listed.chain(with_rows) {
        for parent in parents {
            children.entry(parent).or_default().push(child);
        }
    }
    for (parent, row) in rows {
        children.entry(parent).or_default().extend(&row.children);
    }
    let mut reached = BTreeSet::new();
    let mut next = vec![id];
    while let Some(parent) = next.pop() {
        for child in children.get(parent).into_iter().flatten() {
            if *child != id && reached.insert((*child).clone()) {
                next.push(child);
            }
        }
    }
    reached
}
