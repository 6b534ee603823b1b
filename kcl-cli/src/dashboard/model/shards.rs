//! The table of shards: those that the stream lists, and those that have a lease.
//!
//! The key of a row is the shard's id. A lease of another stream, or of a former life of this one,
//! has a row of its own with the state `other` and its lease key as key.

use kcl_core::{
    assignment::placement::Marks,
    lease::{Lease, Load},
    lineage::Lineage,
    stream::{HashRange, Shard, ShardId},
};
use serde_json::{Value, json};

use super::{Look, Table, marks};
use crate::doctor::judge::{Fleet, Presence, shards_of, stream_of};

/// The columns. The page's scripts use these names.
const COLUMNS: &[&str] = &[
    "shard",
    // read, silent, unread, unseen, waits, missing, ended, or other: of another stream or life.
    "state",
    "owner",
    "lag_ms",
    // The source of the lag: a record that this dashboard read, the worker's report, the row.
    "lag_from",
    "grows_ms_a_second",
    "bytes_per_second",
    "records_per_second",
    "busy_permille",
    "checkpoint",
    // The arrival time of the last processed record.
    "processed_ms",
    "unread_since_ms",
    "epoch",
    // The number of the placement rule that the shard follows, from 1.
    "rule",
    // The part of the hash-key space that the shard covers, as numbers from 0 to 1.
    "from",
    "to",
    "parents",
    "children",
    "waits_for",
    "reason",
    "lease",
    // The operator's marks; null if they are unknown.
    "marks",
];

/// The input of one row.
struct One<'a> {
    id: &'a ShardId,
    /// `None` if the shard has no lease, or the leases are unknown.
    lease: Option<&'a Lease>,
    /// The hash keys that the shard covers; `None` if unknown.
    range: Option<HashRange>,
    parents: &'a [ShardId],
    /// The parents that must end before the shard may be read.
    waits: Vec<&'a ShardId>,
    /// The operator's marks; `None` if the documents are unknown.
    said: Option<&'a Marks>,
}

/// The table; empty if the stream is unknown.
pub(super) fn table(look: &Look<'_>) -> Table {
    let mut table = Table::of(COLUMNS);
    let facts = look.facts();
    let Some(stream) = stream_of(facts) else { return table };
    let rows: &[Lease] = facts.leases.get().map_or(&[], |it| &it.rows);
    let lineage = Lineage::new(&stream, shards_of(facts), rows);
    let said = facts.documents.get().map(|it| it.marks.clone().tidied(facts.wall, rows));
    let said = said.as_ref();
    let (fleet, loads) = (look.fleet(), look.loads());
    let listed = lineage.shards().map(|shard| &shard.id);
    for id in listed.chain(lineage.leases().map(|(id, _)| id)) {
        if table.rows.contains_key(id.as_str()) {
            continue;
        }
        let lease = lineage.lease(id);
        let load = lease.and_then(|lease| loads.get(&(&lease.owner.as_ref()?.worker, &lease.key)));
        let parents = lineage.parents(id);
        let shard = lineage.shard(id);
        let waits = parents.iter().filter(|parent| is_waited_for(&lineage, shard, parent));
        let waits = waits.collect();
        let one = One { id, lease, range: lineage.range(id), parents, waits, said };
        table.rows.insert(id.to_string(), row(look, &one, fleet, load.copied()));
    }
    for lease in
        rows.iter().filter(|it| !it.key.is_role() && it.key.stream().as_ref() != Some(&stream))
    {
        let Some(id) = lease.key.shard() else { continue };
        let one =
            One { id: &id, lease: Some(lease), range: None, parents: &[], waits: Vec::new(), said };
        let mut cells = row(look, &one, fleet, None);
        cells[1] = "other".into();
        table.rows.insert(lease.key.to_string(), cells);
    }
    table
}

/// Whether the shard must wait for this parent. The rule is that of `Lineage::is_runnable`.
fn is_waited_for(lineage: &Lineage<'_>, child: Option<&Shard>, parent: &ShardId) -> bool {
    match lineage.lease(parent) {
        Some(lease) => !lease.has_ended(),
        None => child.is_none() || lineage.shard(parent).is_some(),
    }
}

/// The cells of one row, in the order of `COLUMNS`.
fn row(look: &Look<'_>, one: &One<'_>, fleet: Fleet<'_>, load: Option<&Load>) -> Vec<Value> {
    let facts = look.facts();
    let lease = one.lease;
    let open = lease.filter(|lease| !lease.has_ended());
    let load = load.filter(|_| open.is_some());
    let (lag, lag_from) = open.and_then(|lease| look.lag(lease, load)).unzip();
    let reason = open.and_then(|it| look.verdict.planned.reasons.get(&it.key));
    let rule = look.verdict.planned.rules.get(one.id).map(|rule| rule + 1);
    let of_load = |figure: fn(&Load) -> Option<u64>| load.and_then(figure);
    let rate = open.map(|it| it.progress.rate).filter(|rate| *rate > 0);
    let at = |key: u128| key as f64 / 2_f64.powi(128);
    let marks = open.zip(one.said).map(|(it, said)| marks::of_lease(said, &it.key));
    let since = open.and_then(|it| look.history.unread_since(&it.key));
    vec![
        json!(one.id.as_str()),
        json!(state(one, fleet, facts.leases.get().is_some())),
        json!(open.and_then(|it| it.owner.as_ref()).map(|owner| owner.worker.as_str())),
        json!(lag),
        json!(lag_from),
        json!(open.and_then(|it| look.progress.trend(&it.key))),
        json!(of_load(|load| load.bytes_per_second).or(rate)),
        json!(of_load(|load| load.records_per_second)),
        json!(of_load(|load| load.busy_permille)),
        json!(lease.map(|it| it.checkpoint.to_string())),
        json!(lease.and_then(|it| it.progress.arrival).map(kcl_core::env::WallTime::as_millis)),
        json!(since.filter(|_| facts.sessions.get().is_some()).map(|it| it.as_millis())),
        json!(lease.map(|it| it.epoch.0)),
        json!(rule),
        json!(one.range.map(|range| at(range.start))),
        json!(one.range.map(|range| at(range.end.saturating_add(1)))),
        json!(one.parents),
        json!(lease.map(|it| &it.children)),
        json!(one.waits),
        json!(reason.map(ToString::to_string)),
        json!(lease.map(|it| it.key.as_str())),
        json!(marks),
    ]
}

/// The state of a shard: one of the words at the column `state`.
fn state(one: &One<'_>, fleet: Fleet<'_>, leases_are_known: bool) -> &'static str {
    let Some(lease) = one.lease else {
        return match (leases_are_known, one.waits.is_empty()) {
            (false, _) => "unseen",
            (true, true) => "missing",
            (true, false) => "waits",
        };
    };
    if lease.has_ended() {
        return "ended";
    }
    match &lease.owner {
        None if one.waits.is_empty() => "unread",
        None => "waits",
        Some(owner) => match fleet.of_session(owner) {
            Presence::Beats | Presence::Leaves => "read",
            silent @ Presence::Silent(..) if !silent.is_dead() => "silent",
            Presence::Unseen | Presence::Unknown => "unseen",
            _ => "unread",
        },
    }
}
