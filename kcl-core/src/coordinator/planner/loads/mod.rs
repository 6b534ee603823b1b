//! The loads of the leases, as their owners report them. The planner reads the reports shortly
//! before each audit: a plan by load uses them, and so does the planner's own report.
//!
//! | phase | when | then | request to the store |
//! |---|---|---|---|
//! | due | no reading has shown the sessions yet | due a second later | – |
//! | due | shortly before an audit | due before the next one | read the report of each worker |
//! | any | a report was read | the same, its loads known | – |
//! | any | there is none, or the read failed | the same | – (the report before counts) |

pub(in crate::coordinator) mod request;

use std::{collections::BTreeMap, time::Duration};

use self::request::Reply;
use super::catalogue::Catalogue;
use crate::{
    coordinator::{context::Context, op},
    env::Time,
    lease::{
        DocName, Lease, LeaseKey, Load, WorkerId,
        report::{STALE_AFTER, ShardReport, WorkerReport},
    },
};

/// How long before an audit the reports are read that its plan uses.
const BEFORE_AUDIT: Duration = Duration::from_secs(2);
/// The pause until the next attempt, while no session is known.
const NOBODY_YET: Duration = Duration::from_secs(1);

/// The known loads.
#[derive(Debug)]
pub(super) struct Loads {
    /// When the reports are read next.
    due_at: Time,
    /// The last report of each worker.
    reports: BTreeMap<WorkerId, Told>,
    /// The last measured load of each lease, whichever worker measured it: a lease that has just
    /// moved keeps its weight.
    measured: BTreeMap<LeaseKey, Load>,
}

/// The last report of one worker.
#[derive(Debug)]
struct Told {
    report: WorkerReport,
    /// The document's version.
    version: u64,
    /// When this version was first read.
    since: Time,
}

impl Default for Loads {
    fn default() -> Self {
        Self { due_at: Time::ZERO, reports: BTreeMap::new(), measured: BTreeMap::new() }
    }
}

impl Loads {
    pub(super) const fn next_wake(&self) -> Time {
        self.due_at
    }

    /// The weight of a lease, in bytes that arrive in a second; `None` if no worker has measured
    /// it. For workers of older builds it is in the row.
    pub(super) fn weight(&self, row: &Lease) -> Option<u64> {
        let told = self.now(row).and_then(|load| load.bytes_per_second);
        let once = || self.measured.get(&row.key).and_then(|load| load.bytes_per_second);
        told.or_else(once).or_else(|| Some(row.progress.rate).filter(|rate| *rate > 0))
    }

    /// How far the lease is behind the end of its shard; `None` if it is not known.
    pub(super) fn lag(&self, row: &Lease) -> Option<Duration> {
        self.now(row).and_then(|load| load.lag).or(row.progress.lag)
    }

    /// The load of a lease in the report of its present owner.
    fn now(&self, row: &Lease) -> Option<&Load> {
        let owner = &row.owner.as_ref()?.worker;
        self.reports.get(owner)?.report.load_of(&row.key)
    }

    /// The load of a lease in the report of its present owner, unless the report is older than
    /// [`STALE_AFTER`].
    pub(super) fn fresh(&self, row: &Lease, now: Time) -> Option<&Load> {
        let told = self.reports.get(&row.owner.as_ref()?.worker)?;
        let is_fresh = now.since(told.since) <= STALE_AFTER;
        told.report.load_of(&row.key).filter(|_| is_fresh)
    }

    /// Reads the report of each worker, if the next audit is near.
    pub(super) fn read_due(&mut self, catalogue: &Catalogue, audit_at: Time, ctx: &mut Context) {
        if self.due_at > ctx.now {
            return;
        }
        if catalogue.rows.is_empty() {
            self.due_at = ctx.now + NOBODY_YET;
            return;
        }
        let interval = ctx.settings.audit_interval;
        let next = audit_at - BEFORE_AUDIT.min(interval / 4);
        self.due_at = if next > ctx.now { next } else { next + interval };
        let members: Vec<WorkerId> =
            catalogue.fleet.members().map(|row| row.id.worker.clone()).collect();
        self.keep(&members, &catalogue.rows);
        for worker in members {
            ctx.ask(op::Doc(DocName::report(&worker)), request::Report(worker));
        }
    }

    /// A worker's report was read. One that is absent or cannot be decoded changes nothing.
    pub(super) fn on_answer(&mut self, answer: Reply, ctx: &Context) {
        let Reply::Report(worker, found) = answer;
        let Ok(Some(document)) = found else { return };
        if let Some(report) = WorkerReport::decode(&document.body) {
            self.learn(worker, report, document.version, ctx.now);
        }
    }

    /// Takes over a report. A version that was read before keeps the time of its first read, so
    /// that a worker which ceases to report is noticed.
    fn learn(&mut self, worker: WorkerId, report: WorkerReport, version: u64, now: Time) {
        for (key, ShardReport { load, .. }) in &report.shards {
            if load.bytes_per_second.is_some() {
                self.measured.insert(key.clone(), *load);
            }
        }
        let before = self.reports.get(&worker).filter(|told| told.version == version);
        let since = before.map_or(now, |told| told.since);
        self.reports.insert(worker, Told { report, version, since });
    }

    /// Forgets workers that left the fleet, and leases that are gone or have ended.
    fn keep(&mut self, members: &[WorkerId], rows: &BTreeMap<LeaseKey, Lease>) {
        self.reports.retain(|worker, _| members.contains(worker));
        self.measured.retain(|key, _| rows.get(key).is_some_and(|row| !row.has_ended()));
    }
}

#[cfg(test)]
mod tests;
