//! Finds workers that hold far more or less than their share.
//!
//! If the fleet shares leases out by number, the share is the number of leases in the plan that
//! `Case` makes. If it shares them out by load (`weighted`), the share is the mean of the loads
//! that workers report. While a worker joins, leaves or is silent, there is no finding.

use kcl_core::lease::{LeaseKey, WorkerId};

use super::{case::Case, fleet::Presence};
use crate::doctor::{
    finding::{Finding, Kind, Severity},
    words::said,
};

/// The smallest difference from the mean that counts, in bytes a second: a sixteenth of the 1 MiB a
/// second that one shard takes in.
const LEAST: u64 = 64 * 1_024;

/// All findings of this topic.
pub(super) fn judge(case: &Case<'_>) -> Vec<Finding> {
    // Otherwise the planner is about to change the shares.
    let is_calm =
        case.fleet.open().all(|session| case.fleet.of_session(&session.id) == Presence::Beats);
    if !is_calm {
        return Vec::new();
    }
    if is_by_load(case) { by_load(case) } else { by_count(case) }
}

/// Whether leases are shared out by load, by the workers' reports. Older builds report no version;
/// they reported at all only in fleets that share out by load.
fn is_by_load(case: &Case<'_>) -> bool {
    let mut workers = case.reports().into_iter().flat_map(|it| it.workers.values());
    workers.any(|told| {
        let balance = told.value.settings.get("balance").map(String::as_str);
        balance == Some("weighted") || told.value.version.is_none()
    })
}

/// A worker is far from its share if it differs by two leases or more, and by a quarter or more.
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

/// A worker is far from its share if its load exceeds the mean by more than a half, and by
/// [`LEAST`]. A worker with one lease has no finding: nothing can be taken from it. Unless every
/// member reports its load, there is no finding at all.
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

/// The finding. Its text says for how long a difference is normal after a change.
fn told(case: &Case<'_>, worker: &WorkerId, says: &str) -> Finding {
    let longest = case.fleet.open().map(|session| session.timeout).max().unwrap_or_default();
    let says = format!("{says}. After a change that lasts for {} or so", said(longest));
    let look = case.shell.doctor("see whether it stays so", "--watch");
    let show = case.shell.placement("see whether rules ask for it", "show");
    Finding::new(Severity::Warning, Kind::ShareUneven, says, look).or(show).of_workers([worker])
}
