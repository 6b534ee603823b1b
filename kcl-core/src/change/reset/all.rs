//! Every shard: a new beginning.

use std::collections::BTreeMap;

use crate::{
    change::{
        design::{Found, Unfit},
        target::{DocChange, RowChange, Spot, Target},
    },
    coordinator::FrozenStart,
    env::WallTime,
    lease::{Checkpoint, DocName, Lease, LeaseKey},
    lineage::{self, Lineage, reconcile},
    settings::InitialPosition,
    stream::Shard,
};

/// Where reading began, if no document tells: nothing is known to skip.
const NO_START: FrozenStart = FrozenStart { at: None, by: None };

/// A new beginning at `to`.
///
/// Every shard that the stream lists stands at the new start, whether or not it had a row: children
/// wait for their parents, so they come after these where both are read again; and a row that a
/// dead planner still puts finds its place taken. Rows of shards that the stream lists no longer
/// stay where they are: what is unread there is told as lost, or was processed.
pub(super) fn plan(
    found: &Found<'_>,
    mine: &[&Lease],
    to: InitialPosition,
) -> Result<Target, Unfit> {
    let now = found.stream.description.server_time;
    let start = frozen(to, now)?;
    let spot = Spot::at(lineage::FrozenStart::from(start).into());
    let mut rows: BTreeMap<LeaseKey, RowChange> =
        found.rows_kept().into_iter().map(|row| (row.key().clone(), row)).collect();
    let unmade = Unmade::of(found, mine);
    for shard in &found.stream.shards {
        let key = found.key_of(&shard.id);
        let change = rows.entry(key).or_insert_with(|| unmade.change(found, shard));
        change.to = spot.clone();
    }
    let docs = vec![start_doc(found, start)].into_iter().chain(streams_doc(found)).collect();
    Ok(Target { rows: rows.into_values().collect(), docs })
}

/// Where a first start would begin now.
fn frozen(to: InitialPosition, now: WallTime) -> Result<FrozenStart, Unfit> {
    let at = match to {
        InitialPosition::TrimHorizon => None,
        InitialPosition::Latest => Some(now),
        InitialPosition::AtTimestamp(at) if at > now => return Err(Unfit::Future { at, now }),
        InitialPosition::AtTimestamp(at) => Some(at),
    };
    Ok(FrozenStart { at, by: Some(to) })
}

/// Rows that there are not, as the lineage would make them.
pub(super) struct Unmade {
    beginnings: BTreeMap<LeaseKey, Lease>,
}

impl Unmade {
    pub(super) fn of(found: &Found<'_>, mine: &[&Lease]) -> Self {
        let start = stored_start(found).unwrap_or(NO_START);
        let rows: Vec<Lease> = mine.iter().map(|row| (*row).clone()).collect();
        let key = &found.stream.description.key;
        let lineage = Lineage::new(key, &found.stream.shards, &rows);
        let made = reconcile(&lineage, start.into()).create;
        Self { beginnings: made.into_iter().map(|row| (row.key.clone(), row)).collect() }
    }

    /// The row of a shard that has none. What is no beginning follows from a parent's end: at the
    /// trim horizon.
    pub(super) fn change(&self, found: &Found<'_>, shard: &Shard) -> RowChange {
        let key = found.key_of(&shard.id);
        let row = self.beginnings.get(&key).cloned().unwrap_or_else(|| {
            Lease::new(key, Checkpoint::TrimHorizon).of_shard(shard.parents.clone(), shard.range)
        });
        RowChange::made(row)
    }
}

fn stored_start(found: &Found<'_>) -> Option<FrozenStart> {
    let name = DocName::start(&found.stream.description.key);
    FrozenStart::decode(&found.doc(&name)?.body)
}

fn start_doc(found: &Found<'_>, start: FrozenStart) -> DocChange {
    let name = DocName::start(&found.stream.description.key);
    let to = start.encode();
    let none = || NO_START.encode();
    let from = found.doc(&name).map_or_else(none, |doc| doc.body.clone());
    DocChange::new(name, from, to)
}

/// Which stream is read stays as it is, and is written all the same: a switch that is still on its
/// way is refused.
fn streams_doc(found: &Found<'_>) -> Option<DocChange> {
    let doc = found.doc(&DocName::streams())?;
    let body = doc.body.clone();
    Some(DocChange { name: doc.name.clone(), from: body.clone(), to: body })
}
