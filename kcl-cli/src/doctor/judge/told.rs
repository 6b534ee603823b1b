//! Finds what the workers' reports complain of: shards that fail, calls that were denied, reads
//! that others throttle, and versions and settings that differ.
//!
//! Only fresh reports of live workers count. The text of each finding says how old the fact is.

use std::{collections::BTreeMap, time::Duration};

use kcl_core::{
    lease::{
        Lease, WorkerId,
        report::{ShardReport, Told, WorkerReport},
    },
    stream::ShardId,
};

use super::case::Case;
use crate::doctor::{
    finding::{Finding, Kind, Severity},
    remedy::Remedy,
    words::{listed, said, some},
};

/// For how long a shard must have failed before it is a finding. A shorter failure may be over at
/// the next retry.
const FAILS: Duration = Duration::from_secs(30);

/// How old a denied call may be. An older one may have been granted since.
const DENIED: Duration = Duration::from_secs(600);

/// Kinesis allows 5 `GetRecords` calls and 2 MB a second for each shard, shared by all that poll
/// it. A worker that stays below four fifths of both limits and is throttled has competitors.
const READS_A_MINUTE: u64 = 240;
const BYTES_A_SECOND: u64 = 1_600_000;

/// The number of throttled reads in a minute from which they are a finding.
const THROTTLED_A_MINUTE: u64 = 3;

/// All findings of this topic.
pub(super) fn judge(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = failing(case);
    findings.extend(denied(case));
    findings.extend(read_by_others(case));
    findings.extend(versions(case));
    findings
}

/// The part of the owner's report about a lease, with the age of the report. `None` if the owner
/// has no fresh report, or the report is of another session of that worker.
fn of_lease<'f>(
    case: &Case<'f>,
    lease: &Lease,
) -> Option<(&'f WorkerId, &'f ShardReport, Duration)> {
    let owner = lease.owner.as_ref()?;
    let (worker, told) = case.told().find(|(worker, _)| **worker == owner.worker)?;
    let is_its = told.value.incarnation == Some(owner.incarnation);
    let shard = told.value.shards.get(&lease.key).filter(|_| is_its)?;
    Some((worker, shard, told.age?))
}

/// Why a lease fails, by its owner's report, with the report's age. `None` if the report names no
/// failure.
pub(super) fn why_it_fails(case: &Case<'_>, lease: &Lease) -> Option<String> {
    let (worker, shard, age) = of_lease(case, lease)?;
    let trouble = shard.trouble.as_ref()?;
    let since = trouble.failing? + age;
    Some(format!(
        "worker {worker} tells since {} that {} (told {} ago)",
        said(since),
        trouble.kind.means(),
        said(age)
    ))
}

/// Shards that have failed for [`FAILS`] or longer: one finding for each worker and kind of
/// failure.
fn failing(case: &Case<'_>) -> Vec<Finding> {
    let mut by: BTreeMap<(String, &WorkerId), Vec<(&ShardId, Duration)>> = BTreeMap::new();
    for (shard, lease) in case.open_leases() {
        let Some((worker, told, age)) = of_lease(case, lease) else { continue };
        let Some(trouble) = &told.trouble else { continue };
        let since = trouble.failing.map(|since| since + age).filter(|since| *since >= FAILS);
        let Some(since) = since else { continue };
        by.entry((trouble.kind.means().to_owned(), worker)).or_default().push((shard, since));
    }
    let finding = |((means, worker), shards): (_, Vec<(&ShardId, Duration)>)| {
        let since = shards.iter().map(|(_, since)| *since).max().unwrap_or_default();
        let names = || shards.iter().map(|(shard, _)| shard);
        let says = format!(
            "worker {worker} tells of {} that {means}, for {} by now: {}",
            listed(shards.len(), "shard"),
            said(since),
            some(names())
        );
        let look = gives_up(case, &shards).unwrap_or_else(|| {
            case.shell.leases("see their lag; that worker's log says what fails", "watch")
        });
        let finding = Finding::new(Severity::Problem, Kind::ShardFails, says, look);
        finding.of_workers([worker]).of_shards(names())
    };
    by.into_iter().map(finding).collect()
}

/// The remedy for one shard that is stuck on one record: `kcl leases skip`. `None` unless the
/// worker has a dead letter, because otherwise the record would be lost.
fn gives_up(case: &Case<'_>, shards: &[(&ShardId, Duration)]) -> Option<Remedy> {
    let [(shard, _)] = shards else { return None };
    let (_, lease) = case.open_leases().find(|(open, _)| open == shard)?;
    let (worker, told, _) = of_lease(case, lease)?;
    let stuck = told.stuck.as_ref().filter(|stuck| stuck.first == stuck.last)?;
    let keeps = case.told().find(|(it, _)| *it == worker)?.1.value.keeps_skipped == Some(true);
    let does = "hand the record that fails to the dead letter, if it fails once more; that \
                worker's log says why";
    let verb = format!("skip {shard} --record {}", stuck.first);
    keeps.then(|| case.shell.leases(does, &verb))
}

/// Calls that were denied to workers in the last [`DENIED`]: one finding for each call and error.
/// This command cannot test the workers' rights, so only their reports show them.
fn denied(case: &Case<'_>) -> Vec<Finding> {
    let mut by: BTreeMap<(&str, &str), Vec<(&WorkerId, Duration)>> = BTreeMap::new();
    for (worker, told) in case.told() {
        let Some((denial, age)) = told.value.denial.as_ref().zip(told.age) else { continue };
        if denial.ago + age <= DENIED {
            let call = (denial.call.as_str(), denial.error.as_str());
            by.entry(call).or_default().push((worker, denial.ago + age));
        }
    }
    let finding = |((call, error), workers): (_, Vec<(&WorkerId, Duration)>)| {
        let ago = workers.iter().map(|(_, ago)| *ago).min().unwrap_or_default();
        let names = || workers.iter().map(|(worker, _)| worker);
        let says = format!(
            "the call {call} was refused to {} ({error}), the last time {} ago: {}",
            listed(workers.len(), "worker"),
            said(ago),
            some(names())
        );
        let does = "see deploy/iam for the rights that workers need; whether it is over, shows";
        let again = case.shell.doctor(does, "--watch");
        Finding::new(Severity::Problem, Kind::WorkerDenied, says, again).of_workers(names())
    };
    by.into_iter().map(finding).collect()
}

/// Shards whose reads are throttled although their worker stays below the limits of a shard:
/// another consumer polls them, too.
fn read_by_others(case: &Case<'_>) -> Option<Finding> {
    let is_shared = |shard: &ShardReport| {
        let (throttled, reads) = (shard.throttled?, shard.reads?);
        let little = reads <= READS_A_MINUTE && shard.read_bytes_per_second? <= BYTES_A_SECOND;
        (throttled >= THROTTLED_A_MINUTE && little).then_some((throttled, reads))
    };
    let shared = case.open_leases().filter_map(|(id, lease)| {
        let (_, shard, _) = of_lease(case, lease)?;
        is_shared(shard).map(|figures| (id, figures))
    });
    let shared: Vec<(&ShardId, (u64, u64))> = shared.collect();
    let (_, (throttled, reads)) = shared.iter().max_by_key(|(_, (throttled, _))| *throttled)?;
    let names = || shared.iter().map(|(shard, _)| shard);
    let says = format!(
        "reads of {} are throttled, up to {throttled} a minute beside {reads} that were answered, \
         where a shard gives 300 to all who poll it: others read it, too: {}",
        listed(shared.len(), "shard"),
        some(names())
    );
    let does =
        "see which consumers the stream has; give others enhanced fan-out, or slow them down";
    let describe = case.shell.stream(does, "describe");
    let finding = Finding::new(Severity::Warning, Kind::ReadByOthers, says, describe);
    Some(finding.of_shards(names()))
}

/// Live workers report different versions.
fn versions(case: &Case<'_>) -> Option<Finding> {
    let by = by(case, |report| report.version.clone());
    let sides: Vec<String> =
        by.iter().map(|(version, workers)| format!("{version} ({})", some(workers))).collect();
    let says = format!("workers run different versions: {}", sides.join(", "));
    let does = "a roll-out looks like that; if none is under way, see which worker was left behind";
    let list = case.shell.leases(does, "list");
    let finding = || Finding::new(Severity::Warning, Kind::VersionsDiffer, says, list);
    (by.len() > 1).then(|| finding().of_workers(by.values().flatten()))
}

/// For each setting that all workers should share, the workers by its value. The two times that
/// session rows hold are left out: `workers` compares them.
pub(super) fn settings(case: &Case<'_>) -> Vec<(String, BTreeMap<String, Vec<String>>)> {
    const IN_ROWS: [&str; 2] = ["session_timeout", "heartbeat_interval"];
    let names: std::collections::BTreeSet<&String> =
        case.told().flat_map(|(_, told)| told.value.settings.keys()).collect();
    let shared = names
        .into_iter()
        .filter(|name| WorkerReport::is_shared_setting(name) && !IN_ROWS.contains(&name.as_str()));
    shared.map(|name| (name.clone(), by(case, |it| it.settings.get(name).cloned()))).collect()
}

/// The workers, grouped by a value of their reports. Workers that do not report it are left out.
fn by(
    case: &Case<'_>,
    value: impl Fn(&WorkerReport) -> Option<String>,
) -> BTreeMap<String, Vec<String>> {
    let mut by: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (worker, Told { value: report, .. }) in case.told() {
        if let Some(value) = value(report) {
            by.entry(value).or_default().push(worker.to_string());
        }
    }
    by
}
