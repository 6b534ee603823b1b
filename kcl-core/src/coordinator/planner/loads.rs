//! How heavy the leases are, as their workers told.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    env::Time,
    lease::{Lease, LeaseKey, Load, LoadReport, WorkerId},
};

/// The loads that are known.
#[derive(Debug)]
pub(super) struct Loads {
    /// When the reports are read next.
    pub(super) due_at: Time,
    /// What the workers told last.
    reports: BTreeMap<WorkerId, LoadReport>,
    /// The last load that was measured of each lease, whoever held it then: a lease that has just
    /// moved is as heavy as it was.
    measured: BTreeMap<LeaseKey, Load>,
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
        self.reports.get(owner)?.leases.get(&row.key)
    }

    pub(super) fn learn(&mut self, worker: WorkerId, report: LoadReport) {
        for (key, load) in &report.leases {
            if load.bytes_per_second.is_some() {
                self.measured.insert(key.clone(), *load);
            }
        }
        self.reports.insert(worker, report);
    }

    /// Forgets whoever and whatever is no more.
    pub(super) fn keep(&mut self, members: &[WorkerId], rows: &BTreeMap<LeaseKey, Lease>) {
        self.reports.retain(|worker, _| members.contains(worker));
        self.measured.retain(|key, _| rows.get(key).is_some_and(|row| !row.has_ended()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        coordinator::tests::id,
        lease::{Checkpoint, Progress},
    };

    fn row(owner: Option<&str>, rate: u64) -> Lease {
        let key = "orders/7/shard-0".parse().unwrap();
        let mut row = Lease::new(key, Checkpoint::TrimHorizon);
        row.owner = owner.map(id);
        row.progress = Progress { rate, ..Progress::NONE };
        row
    }

    fn report(bytes: Option<u64>) -> LoadReport {
        let mut load = Load { bytes_per_second: bytes, ..Load::UNKNOWN };
        load.lag = Some(Duration::from_secs(7));
        LoadReport::new(BTreeMap::from([(row(None, 0).key, load)]))
    }

    #[test]
    fn a_lease_weighs_what_its_owner_tells_else_what_was_last_told_else_what_its_row_says() {
        let mut loads = Loads::default();
        assert_eq!(loads.weight(&row(Some("a"), 0)), None, "not measured is not zero");
        assert_eq!(loads.weight(&row(Some("a"), 5)), Some(5), "an older build tells in the row");
        loads.learn("a".parse().unwrap(), report(Some(40)));
        assert_eq!(loads.weight(&row(Some("a"), 5)), Some(40));
        assert_eq!(loads.lag(&row(Some("a"), 5)), Some(Duration::from_secs(7)));
        // It has just moved to one that has not measured it.
        loads.learn("b".parse().unwrap(), report(None));
        assert_eq!(loads.weight(&row(Some("b"), 0)), Some(40));
        assert_eq!(loads.weight(&row(None, 0)), Some(40));
        loads.learn("b".parse().unwrap(), report(Some(0)));
        assert_eq!(loads.weight(&row(Some("b"), 5)), Some(0), "it is known to be idle");
    }

    #[test]
    fn whoever_is_gone_is_forgotten_and_so_is_what_has_ended() {
        let mut loads = Loads::default();
        loads.learn("a".parse().unwrap(), report(Some(40)));
        let mut held = row(Some("a"), 0);
        let rows = |row: &Lease| BTreeMap::from([(row.key.clone(), row.clone())]);
        loads.keep(&[], &rows(&held));
        assert_eq!((loads.lag(&held), loads.weight(&held)), (None, Some(40)));
        held.checkpoint = Checkpoint::ShardEnd;
        loads.keep(&[], &rows(&held));
        assert_eq!(loads.weight(&held), None);
    }
}
