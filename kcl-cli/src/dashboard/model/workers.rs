//! The table of workers: one row for each session row of the store, ended ones included.

use std::collections::BTreeMap;

use kcl_core::{
    coordinator::Assignment,
    lease::{LeaseKey, Session, SessionId, Zone},
};
use serde_json::{Value, json};

use super::{Look, Table, marks};
use crate::{
    doctor::judge::{Fleet, Presence},
    times::millis,
};

/// The columns. The page's scripts use these names.
const COLUMNS: &[&str] = &[
    "worker",
    "session",
    // beats, leaves, silent, dead, unseen, unknown, left, replaced, fenced.
    "state",
    // planner, standby, or nothing.
    "role",
    "held",
    // How many leases the worker should hold, by the plan that a planner would make now.
    "due",
    "bytes_per_second",
    // The time of the first reading that showed the present beat number.
    "beat_ms",
    "timeout_ms",
    "interval_ms",
    "zone",
    "capacity",
    "lives",
    "stream",
    "seen_plan",
    // From the worker's report: the version of its build, and how late its last beat was.
    "version",
    "late_ms",
    // The operator's marks; null if they are unknown.
    "marks",
];

/// The table; empty if the sessions are unknown.
pub(super) fn table(look: &Look<'_>) -> Table {
    let mut table = Table::of(COLUMNS);
    let Some(sessions) = look.facts().sessions.get() else { return table };
    let roles = roles(look);
    let (mut held, mut rates): (BTreeMap<&SessionId, usize>, BTreeMap<&SessionId, u64>) =
        (BTreeMap::new(), BTreeMap::new());
    let loads = look.loads();
    for lease in look.facts().leases.get().into_iter().flat_map(|it| &it.rows) {
        let Some(owner) = lease.owner.as_ref().filter(|_| !lease.key.is_role()) else { continue };
        if lease.has_ended() {
            continue;
        }
        *held.entry(owner).or_default() += 1;
        let load = loads.get(&(&owner.worker, &lease.key));
        if let Some(rate) = load.and_then(|load| load.bytes_per_second) {
            *rates.entry(owner).or_default() += rate;
        }
    }
    let leases_are_known = look.facts().leases.get().is_some();
    for session in &sessions.rows {
        let id = &session.id;
        let held = leases_are_known.then(|| held.get(id).copied().unwrap_or(0));
        let mut cells = cells(look, session, held, rates.get(id).copied());
        cells[3] = json!(roles.get(id));
        table.rows.insert(whole(id), cells);
    }
    table
}

/// The cells of one row, in the order of `COLUMNS`, without the role.
fn cells(look: &Look<'_>, session: &Session, held: Option<usize>, rate: Option<u64>) -> Vec<Value> {
    let id = &session.id;
    let due = look.verdict.planned.counts.get(&id.worker).map(|(due, _)| *due);
    // A drained worker is left out of the plan: it should hold nothing.
    let is_drained = look.facts().documents.get().is_some_and(|it| it.marks.drains(&id.worker));
    let due = due.or_else(|| is_drained.then_some(0)).filter(|_| !session.has_ended());
    let report = look.reports().and_then(|(reports, _)| reports.of(&id.worker));
    let report = report.filter(|it| it.incarnation == Some(id.incarnation));
    let said = look.facts().documents.get().map(|it| &it.marks);
    let marks = said.map(|said| marks::of_worker(said, &id.worker));
    let beats = look.facts().sessions.get().map(|it| &it.beats);
    let beat = beats.and_then(|beats| beats.age(id)).map(|age| look.facts().wall.minus(age));
    vec![
        json!(id.worker.as_str()),
        json!(whole(id)),
        json!(state(session, look.fleet())),
        Value::Null,
        json!(held),
        json!(due),
        json!(rate),
        json!(beat.filter(|_| !session.has_ended()).map(|it| it.as_millis())),
        json!(millis(session.timeout)),
        json!(millis(session.interval)),
        json!(session.zone.as_ref().map(Zone::as_str)),
        json!((session.capacity > 0).then_some(session.capacity)),
        json!(session.start),
        json!(session.stream.as_ref().map(ToString::to_string)),
        json!((session.report.seen.version > 0).then(|| session.report.seen.to_string())),
        json!(report.and_then(|it| it.version.as_deref())),
        json!(report.and_then(|it| it.late).map(millis)),
        json!(marks),
    ]
}

/// The full name of a session: worker and incarnation. Two sessions of one worker differ by it.
fn whole(id: &SessionId) -> String {
    format!("{}#{}", id.worker, id.incarnation)
}

/// The state of a session: one of the words at the column `state`.
fn state(session: &Session, fleet: Fleet<'_>) -> String {
    if session.has_ended() {
        return session.state.as_str().to_lowercase();
    }
    let word = match fleet.of_session(&session.id) {
        Presence::Beats => "beats",
        Presence::Leaves => "leaves",
        Presence::Unseen => "unseen",
        silent @ Presence::Silent(..) if !silent.is_dead() => "silent",
        Presence::Unknown => "unknown",
        _ => "dead",
    };
    word.to_owned()
}

/// The planner, and its standbys. The standbys are in the planner's assignment: they are missing if
/// that document was not read.
fn roles<'a>(look: &Look<'a>) -> BTreeMap<&'a SessionId, &'static str> {
    let facts = look.facts();
    let leases = facts.leases.get().into_iter().flat_map(|it| &it.rows);
    let planner =
        leases.filter(|it| it.key == LeaseKey::planner()).find_map(|it| it.owner.as_ref());
    let Some(planner) = planner else { return BTreeMap::new() };
    let plan = facts.documents.get().and_then(|it| it.assignments.get(&planner.worker));
    let heads = plan.into_iter().flat_map(Assignment::heads).map(|head| (head, "standby"));
    let mut roles: BTreeMap<&SessionId, &'static str> = heads.collect();
    roles.insert(planner, "planner");
    roles
}
