//! A reset of all shards.

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

/// The start of an application that has no document of it: nothing is known to be skipped.
const NO_START: FrozenStart = FrozenStart { at: None, by: None };

/// A new beginning at `to`.
///
/// Every shard that the stream lists gets the new start, whether it had a row or not. Children wait
/// for their parents, so their records come after these where both are read again. A row that a
/// dead planner still puts is refused, since its place is taken. Rows of shards that the stream no
/// longer lists keep their checkpoints: their records were processed, or are reported as lost.
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
    // A shard without a row gets one now: no worker makes it while the application is closed.
    let unmade = Unmade::of(found, mine);
    for shard in &found.stream.shards {
        let key = found.key_of(&shard.id);
        let change = rows.entry(key).or_insert_with(|| unmade.change(found, shard));
        change.to = spot.clone();
    }
    let docs = vec![start_doc(found, start)].into_iter().chain(streams_doc(found)).collect();
    Ok(Target { rows: rows.into_values().collect(), docs })
}

/// The start that a first start of the application would freeze now.
fn frozen(to: InitialPosition, now: WallTime) -> Result<FrozenStart, Unfit> {
    let at = match to {
        InitialPosition::TrimHorizon => None,
        InitialPosition::Latest => Some(now),
        InitialPosition::AtTimestamp(at) if at > now => return Err(Unfit::Future { at, now }),
        InitialPosition::AtTimestamp(at) => Some(at),
    };
    Ok(FrozenStart { at, by: Some(to) })
}

/// The rows of shards without a row, as the lineage would make them.
pub(super) struct Unmade {
    /// The rows of shards that no row leads to, at the start that was stored before.
    beginnings: BTreeMap<LeaseKey, Lease>,
}

impl Unmade {
    /// The rows that the lineage would make at the stored start of the stream.
    pub(super) fn of(found: &Found<'_>, mine: &[&Lease]) -> Self {
        let start = stored_start(found).unwrap_or(NO_START);
        let rows: Vec<Lease> = mine.iter().map(|row| (*row).clone()).collect();
        let key = &found.stream.description.key;
        let lineage = Lineage::new(key, &found.stream.shards, &rows);
        let made = reconcile(&lineage, start.into()).create;
        Self { beginnings: made.into_iter().map(|row| (row.key.clone(), row)).collect() }
    }

    /// The row of a shard that has none. A shard that is no beginning follows from its parent's
    /// end: at the trim horizon.
    pub(super) fn change(&self, found: &Found<'_>, shard: &Shard) -> RowChange {
        let key = found.key_of(&shard.id);
        let row = self.beginnings.get(&key).cloned().unwrap_or_else(|| {
            Lease::new(key, Checkpoint::TrimHorizon).of_shard(shard.parents.clone(), shard.range)
        });
        RowChange::made(row)
    }
}

/// The stored start; `None` if there is none, or if it cannot be decoded.
fn stored_start(found: &Found<'_>) -> Option<FrozenStart> {
    let name = DocName::start(&found.stream.description.key);
    FrozenStart::decode(&found.doc(&name)?.body)
}

/// The document of the new start. If there was none, an undo writes the start at the trim horizon.
fn start_doc(found: &Found<'_>, start: FrozenStart) -> DocChange {
    let name = DocName::start(&found.stream.description.key);
    let to = start.encode();
    let none = || NO_START.encode();
    let from = found.doc(&name).map_or_else(none, |doc| doc.body.clone());
    DocChange::new(name, from, to)
}

/// The document `streams`, unchanged. It is written nevertheless, so that the store refuses a
/// switch to another stream that is under way.
fn streams_doc(found: &Found<'_>) -> Option<DocChange> {
    let doc = found.doc(&DocName::streams())?;
    let body = doc.body.clone();
    Some(DocChange { name: doc.name.clone(), from: body.clone(), to: body })
}
