//! Finds faults of the fleet: no worker lives, nobody plans, a worker is silent, or workers differ
//! in settings that all should share. If the sessions are unknown, it finds nothing.

use std::collections::{BTreeMap, BTreeSet};

use kcl_core::lease::{LeaseKey, Session, Zone};

use super::{case::Case, fleet::Presence, told};
use crate::doctor::{
    finding::{Finding, Kind, Severity},
    words::{aged, listed, said, some},
};

/// Whether the owner of the lease `@planner` lives; `None` if the leases are unknown.
pub(super) fn planner(case: &Case<'_>) -> Option<Presence> {
    let leases = case.facts.leases.get()?;
    let role = leases.rows.iter().find(|lease| lease.key == LeaseKey::planner());
    let owner = role.and_then(|lease| lease.owner.as_ref());
    Some(owner.map_or(Presence::Absent, |owner| case.fleet.of_session(owner)))
}

/// All findings of this topic.
pub(super) fn judge(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !case.fleet.is_known() {
        return findings;
    }
    let live: Vec<&Session> = case.fleet.live().collect();
    if live.is_empty() {
        findings.extend(nobody(case));
    } else {
        findings.extend(nobody_plans(case));
    }
    findings.extend(silent_without_leases(case));
    findings.extend(differing(case, &live));
    findings
}

/// No worker's beat moves. It is a warning until every silence is longer than its session's
/// timeout.
fn nobody(case: &Case<'_>) -> Option<Finding> {
    let presences: Vec<Presence> =
        case.fleet.open().map(|session| case.fleet.of_session(&session.id)).collect();
    // A worker that was not watched for long enough may live.
    if presences.contains(&Presence::Unseen) {
        return None;
    }
    let is_dead = presences.iter().all(|presence| presence.is_dead());
    let shards: BTreeSet<_> = case.open_leases().map(|(shard, _)| shard.clone()).collect();
    let ages = case.open_leases().filter_map(|(_, lease)| case.unread_for(&lease.key));
    let silent = match presences.len() {
        0 => "there is no session that has not ended".to_owned(),
        silent => {
            format!("{} silent", if silent == 1 { "1 is".into() } else { format!("{silent} are") })
        }
    };
    let says = format!(
        "no worker's beat moves, {silent}: {}{}",
        if shards.is_empty() {
            "nothing is read".to_owned()
        } else {
            format!("{} are read by nobody", listed(shards.len(), "shard"))
        },
        aged(ages.max(), case.retention())
    );
    let severity = if is_dead { Severity::Problem } else { Severity::Warning };
    let start = case.shell.start("start a worker", None);
    let look = case.shell.doctor("see whether their silence outlasts their sessions", "--watch");
    let finding = Finding::new(severity, Kind::NoWorker, says, start).of_shards(shards);
    Some(if is_dead { finding } else { finding.or(look) })
}

/// Workers live, and the planner is silent or absent.
fn nobody_plans(case: &Case<'_>) -> Option<Finding> {
    let presence = planner(case).filter(|presence| presence.is_missed())?;
    let says = match presence {
        Presence::Absent => "nobody holds the planner's lease".to_owned(),
        other => format!("the planner {other}"),
    };
    let says = format!("{says}: leases of workers that go are not given to others");
    let severity = if presence.is_dead() { Severity::Problem } else { Severity::Warning };
    let watch = case.shell.leases("one of the others takes over within a session or two", "watch");
    Some(Finding::new(severity, Kind::NobodyPlans, says, watch))
}

/// Silent workers without a lease. A silent owner of leases has a finding in `unread` already; but
/// `unread` says nothing if no worker lives, so then every silent worker is listed here.
fn silent_without_leases(case: &Case<'_>) -> Vec<Finding> {
    let nobody_lives = case.fleet.live().next().is_none();
    let owners: BTreeSet<_> =
        case.open_leases().filter_map(|(_, lease)| lease.owner.as_ref()).collect();
    let silent = case.fleet.open().filter_map(|session| {
        let presence = case.fleet.of_session(&session.id);
        let is_told = owners.contains(&session.id) && !nobody_lives;
        (matches!(presence, Presence::Silent(..)) && !is_told).then_some((session, presence))
    });
    let finding = |(session, presence): (&Session, Presence)| {
        let worker = &session.id.worker;
        let held = case.open_leases().filter(|(_, it)| it.owner.as_ref() == Some(&session.id));
        let held: Vec<_> = held.map(|(shard, _)| shard.clone()).collect();
        let says = match held.len() {
            0 => format!("worker {worker} {presence}; it holds no lease"),
            count => format!(
                "worker {worker} {presence}; it holds {}: {}",
                listed(count, "lease"),
                some(&held)
            ),
        };
        let start = case.shell.start("start it again, if it is gone", Some(worker.as_str()));
        let look = case.shell.doctor("see whether its silence outlasts its session", "--watch");
        Finding::new(Severity::Warning, Kind::WorkerSilent, says, look)
            .or(start)
            .of_workers([worker])
            .of_shards(held)
    };
    silent.map(finding).collect()
}

/// Settings in which live workers differ: the times of their sessions, whether they name a zone,
/// and what their reports say of shared settings.
fn differing(case: &Case<'_>, live: &[&Session]) -> Vec<Finding> {
    let times = [
        ("session_timeout", by(live, |row| said(row.timeout))),
        ("heartbeat_interval", by(live, |row| said(row.interval))),
    ];
    let zone = |row: &Session| row.zone.as_ref().map(Zone::to_string);
    let zones = by(live, |row| if zone(row).is_some() { "named" } else { "not named" }.to_owned());
    let rows = times.into_iter().chain([("zone", zones)]);
    let rows = rows.map(|(what, by)| (what.to_owned(), by));
    let differ = rows.chain(told::settings(case)).filter(|(_, by)| by.len() > 1);
    let finding = |(what, by): (String, BTreeMap<String, Vec<String>>)| {
        let sides: Vec<String> =
            by.iter().map(|(value, workers)| format!("{value} ({})", some(workers))).collect();
        let says = format!("workers differ in {what}: {}", sides.join(", "));
        let list = case.shell.leases("see what each worker says", "list --format json");
        Finding::new(Severity::Warning, Kind::SettingsDiffer, says, list)
            .of_workers(by.values().flatten())
    };
    differ.map(finding).collect()
}

/// The workers, grouped by a value of their session rows.
fn by(live: &[&Session], value: impl Fn(&Session) -> String) -> BTreeMap<String, Vec<String>> {
    let mut by: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for session in live {
        by.entry(value(session)).or_default().push(session.id.worker.to_string());
    }
    by
}
