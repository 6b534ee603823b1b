//! Workers that hold far more or less than their share.

use kcl_core::lease::{LeaseKey, WorkerId};

use super::{case::Case, fleet::Presence};
use crate::doctor::{
    finding::{Finding, Kind, Severity},
    words::said,
};

/// Loads that differ by less do not matter: a sixteenth of what one shard takes in.
const LEAST: u64 = 64 * 1_024;

pub(super) fn judge(case: &Case<'_>) -> Vec<Finding> {
    // While somebody comes, goes or is silent, shares are about to change.
    let is_calm =
        case.fleet.open().all(|session| case.fleet.of_session(&session.id) == Presence::Beats);
    if !is_calm {
        return Vec::new();
    }
    if is_by_load(case) { by_load(case) } else { by_count(case) }
}

/// Whether leases are shared out by load, as workers say. Builds that did not say it reported only
/// where it was so.
fn is_by_load(case: &Case<'_>) -> bool {
    let mut workers = case.reports().into_iter().flat_map(|it| it.workers.values());
    workers.any(|told| {
        let balance = told.value.settings.get("balance").map(String::as_str);
        balance == Some("weighted") || told.value.version.is_none()
    })
}

fn by_count(case: &Case<'_>) -> Vec<Finding> {
    let far = case.planned.counts.iter().filter(|(_, (due, held))| {
        let off = due.abs_diff(*held);
        off >= 2 && off * 4 >= *due
    });
    let finding = |(worker, (due, held)): (&WorkerId, &(usize, usize))| {
        let says = format!("worker {worker} holds {held} leases, and its share is {due}");
        told(case, worker, &says)
    };
    far.map(finding).collect()
}

/// Where leases are shared out by load, workers report it.
fn by_load(case: &Case<'_>) -> Vec<Finding> {
    let Some(reports) = case.reports() else { return Vec::new() };
    let members = case.members();
    let load = |worker: &WorkerId| -> Option<(u64, usize)> {
        let report = &reports.workers.get(worker)?.value;
        let is_mine = |key: &&LeaseKey| {
            case.lineage.is_some_and(|it| key.stream().as_ref() == Some(it.stream()))
        };
        let keys = report.shards.keys().filter(is_mine).count();
        let known = report.shards.values().filter_map(|it| it.load.bytes_per_second);
        Some((known.sum(), keys))
    };
    let loads: Vec<(&WorkerId, (u64, usize))> =
        members.iter().filter_map(|row| Some((&row.id.worker, load(&row.id.worker)?))).collect();
    if loads.len() < members.len() || loads.is_empty() {
        return Vec::new();
    }
    let mean = loads.iter().map(|(_, (load, _))| load).sum::<u64>() / loads.len() as u64;
    let far = loads.iter().filter(|(_, (load, leases))| {
        *leases > 1 && load.saturating_sub(mean) > (mean / 2).max(LEAST)
    });
    let finding = |(worker, (load, _)): &(&WorkerId, (u64, usize))| {
        let says = format!(
            "worker {worker} takes {} KiB/s, and the mean is {} KiB/s",
            load / 1_024,
            mean / 1_024
        );
        told(case, worker, &says)
    };
    far.map(finding).collect()
}

fn told(case: &Case<'_>, worker: &WorkerId, says: &str) -> Finding {
    let longest = case.fleet.open().map(|session| session.timeout).max().unwrap_or_default();
    let says = format!("{says}. After a change that lasts for {} or so", said(longest));
    let look = case.shell.doctor("see whether it stays so", "--watch");
    let show = case.shell.placement("see whether rules ask for it", "show");
    Finding::new(Severity::Warning, Kind::ShareUneven, says, look).or(show).of_workers([worker])
}
