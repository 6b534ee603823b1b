//! How heavy the leases are, as their workers tell. Read before each audit, which plans by it where
//! leases are shared out by load; what the planner tells of the fleet follows from it, too.
//!
//! | phase | when | then | it asks |
//! |---|---|---|---|
//! | due | no reading has shown yet who there is | due a second later | – |
//! | due | shortly before an audit | due before the next one | the report of each worker |
//! | any | a report was read | the same, its loads known | – |
//! | any | there is none, or it could not be read | the same | – (what was told before holds) |

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

/// How long before an audit the reports are read that it plans by. What comes later serves the
/// next one.
const BEFORE_AUDIT: Duration = Duration::from_secs(2);
/// The pause before it is looked again who there is.
const NOBODY_YET: Duration = Duration::from_secs(1);

/// The loads that are known.
#[derive(Debug)]
pub(super) struct Loads {
    /// When the reports are read next.
    due_at: Time,
    /// What the workers told last.
    reports: BTreeMap<WorkerId, Told>,
    /// The last load that was measured of each lease, whoever held it then: a lease that has just
    /// moved is as heavy as it was.
    measured: BTreeMap<LeaseKey, Load>,
}

/// What a worker told last.
#[derive(Debug)]
struct Told {
    report: WorkerReport,
    /// The document's version, and when it was met first.
    version: u64,
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

    /// What a lease weighs; `None` if nobody has measured that. Workers of older builds tell of it
    /// in the row alone.
    pub(super) fn weight(&self, row: &Lease) -> Option<u64> {
        let told = self.now(row).and_then(|load| load.bytes_per_second);
        let once = || self.measured.get(&row.key).and_then(|load| load.bytes_per_second);
        told.or_else(once).or_else(|| Some(row.progress.rate).filter(|rate| *rate > 0))
    }

    /// How far behind its shard a lease is.
    pub(super) fn lag(&self, row: &Lease) -> Option<Duration> {
        self.now(row).and_then(|load| load.lag).or(row.progress.lag)
    }

    /// What its owner tells of a lease.
    fn now(&self, row: &Lease) -> Option<&Load> {
        let owner = &row.owner.as_ref()?.worker;
        self.reports.get(owner)?.report.load_of(&row.key)
    }

    /// The same, if its owner goes on telling.
    pub(super) fn fresh(&self, row: &Lease, now: Time) -> Option<&Load> {
        let told = self.reports.get(&row.owner.as_ref()?.worker)?;
        let is_fresh = now.since(told.since) <= STALE_AFTER;
        told.report.load_of(&row.key).filter(|_| is_fresh)
    }

    /// Reads what the workers tell of their loads, shortly before the next audit.
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

    /// A worker's report was read. One that cannot be read, or is not there, says nothing.
    pub(super) fn on_answer(&mut self, answer: Reply, ctx: &Context) {
        let Reply::Report(worker, found) = answer;
        let Ok(Some(document)) = found else { return };
        if let Some(report) = WorkerReport::decode(&document.body) {
            self.learn(worker, report, document.version, ctx.now);
        }
    }

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

    /// Forgets whoever and whatever is no more.
    fn keep(&mut self, members: &[WorkerId], rows: &BTreeMap<LeaseKey, Lease>) {
        self.reports.retain(|worker, _| members.contains(worker));
        self.measured.retain(|key, _| rows.get(key).is_some_and(|row| !row.has_ended()));
    }
}

#[cfg(test)]
mod tests;
