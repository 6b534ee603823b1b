//! The leases that no worker may take: since when, and the greatest age that their oldest unread
//! record can have.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    lease::{
        Lease, LeaseKey, StoreTime,
        report::{PlannerReport, Unassigned},
    },
    settings::Coordination,
};

/// The leases that no worker may take.
#[derive(Debug, Default)]
pub(super) struct Unread {
    /// The leases, with the reason and since when, in the order of the plan.
    leases: Vec<Unassigned>,
    /// Those of which it was reported that half of the retention is over.
    told: BTreeSet<LeaseKey>,
}

impl Unread {
    /// Takes over the leases of a plan that was made at this time of the store. A lease that was
    /// there before keeps its time.
    pub(super) fn replace(&mut self, leases: Vec<(LeaseKey, String)>, now: StoreTime) {
        let before: BTreeMap<LeaseKey, Option<StoreTime>> =
            self.leases.drain(..).map(|it| (it.lease, it.since)).collect();
        self.leases = leases
            .into_iter()
            .map(|(lease, reason)| {
                let since = before.get(&lease).copied().flatten().unwrap_or(now);
                let mut it = Unassigned::new(lease, reason);
                it.since = Some(since).filter(|since| since.0 > 0);
                it
            })
            .collect();
        let leases: BTreeSet<&LeaseKey> = self.leases.iter().map(|it| &it.lease).collect();
        self.told.retain(|key| leases.contains(key));
    }

    /// Takes over from an earlier planner's report since when a lease has been without a worker.
    pub(super) fn follow(&mut self, before: &PlannerReport) {
        for it in &mut self.leases {
            let told = before.unassigned.iter().find(|told| told.lease == it.lease);
            let since = told.and_then(|told| told.since);
            it.since = since.into_iter().chain(it.since).min();
        }
    }

    /// The leases, each with the age of its oldest unread record.
    pub(super) fn aged<'r>(
        &self,
        row: impl Fn(&LeaseKey) -> Option<&'r Lease>,
        settings: &Coordination,
        now: StoreTime,
    ) -> Vec<Unassigned> {
        let aged = self.leases.iter().map(|it| {
            let row = row(&it.lease);
            let oldest = row.and_then(|row| oldest(row, it.since, settings, now));
            Unassigned { oldest_unread: oldest, ..it.clone() }
        });
        aged.collect()
    }

    /// Those of these leases for which half of the retention is over; each is returned once.
    pub(super) fn newly_old(
        &mut self,
        aged: &[Unassigned],
        retention: Option<Duration>,
    ) -> Vec<(LeaseKey, Duration)> {
        let Some(retention) = retention else { return Vec::new() };
        let old = aged.iter().filter_map(|it| Some((&it.lease, it.oldest_unread?)));
        let old = old.filter(|(_, age)| *age >= retention / 2);
        old.filter(|(lease, _)| self.told.insert((*lease).clone()))
            .map(|(lease, age)| (lease.clone(), age))
            .collect()
    }
}

/// An upper bound for the age of a lease's oldest unread record. It arrived after the last
/// processed one; and it is no older than the lag when the lease was last read, plus the time
/// since.
fn oldest(
    row: &Lease,
    since: Option<StoreTime>,
    settings: &Coordination,
    now: StoreTime,
) -> Option<Duration> {
    let passed = |since: u64| Duration::from_millis(now.0.saturating_sub(since));
    let by_arrival = row.progress.arrival.map(|arrival| passed(arrival.as_millis()));
    let by_lag = row.progress.lag.zip(since);
    let by_lag = by_lag.map(|(lag, since)| lag + settings.checkpoint_interval + passed(since.0));
    by_arrival.into_iter().chain(by_lag).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        env::WallTime,
        lease::{Checkpoint, PlanVersion, Progress, SessionId},
    };

    const HOUR: u64 = 3_600_000;

    fn key() -> LeaseKey {
        "orders/7/shard-0".parse().unwrap()
    }

    fn unread(since: u64) -> Unread {
        let mut unread = Unread::default();
        unread.replace(vec![(key(), "full".to_owned())], StoreTime(since));
        unread
    }

    /// An upper bound, in hours, for the age of the oldest unread record.
    fn age(unread: &Unread, progress: Progress, now: u64) -> Option<u64> {
        let mut row = Lease::new(key(), Checkpoint::TrimHorizon);
        row.progress = progress;
        let settings = Coordination::default();
        let aged = unread.aged(|_| Some(&row), &settings, StoreTime(now));
        aged[0].oldest_unread.map(|age| age.as_secs() / 3_600)
    }

    fn progress(arrival: Option<u64>, lag: Option<u64>) -> Progress {
        let arrival = arrival.map(WallTime::from_millis);
        Progress { arrival, lag: lag.map(Duration::from_millis), ..Progress::NONE }
    }

    #[test]
    fn what_is_unread_is_no_older_than_what_is_known_of_it() {
        let unread = unread(20 * HOUR);
        assert_eq!(age(&unread, Progress::NONE, 23 * HOUR), None, "unknown is not zero");
        assert_eq!(age(&unread, progress(Some(10 * HOUR), None), 23 * HOUR), Some(13));
        assert_eq!(age(&unread, progress(None, Some(HOUR)), 23 * HOUR), Some(4));
        // A shard that had no new record for long before: the arrival of its last one says little.
        assert_eq!(age(&unread, progress(Some(HOUR), Some(0)), 23 * HOUR), Some(3));
    }

    #[test]
    fn since_when_goes_on_over_plans_and_planners() {
        let mut unread = unread(20 * HOUR);
        unread.replace(vec![(key(), "held".to_owned())], StoreTime(22 * HOUR));
        assert_eq!(unread.leases[0].since, Some(StoreTime(20 * HOUR)));
        let planner = SessionId::new("a".parse().unwrap(), crate::lease::Incarnation::from_bits(1));
        let mut before = PlannerReport::new(planner, PlanVersion::NONE);
        before.unassigned = vec![Unassigned::new(key(), "full".to_owned())];
        unread.follow(&before);
        assert_eq!(unread.leases[0].since, Some(StoreTime(20 * HOUR)));
        before.unassigned[0].since = Some(StoreTime(5 * HOUR));
        unread.follow(&before);
        assert_eq!(unread.leases[0].since, Some(StoreTime(5 * HOUR)));
        unread.replace(Vec::new(), StoreTime(22 * HOUR));
        unread.replace(vec![(key(), "held".to_owned())], StoreTime(23 * HOUR));
        assert_eq!(unread.leases[0].since, Some(StoreTime(23 * HOUR)), "it was read meanwhile");
    }

    #[test]
    fn that_half_of_the_retention_is_over_is_told_once_until_it_is_read() {
        let mut unread = unread(0);
        let mut it = Unassigned::new(key(), "full".to_owned());
        it.oldest_unread = Some(Duration::from_hours(12));
        let day = Some(Duration::from_hours(24));
        assert_eq!(unread.newly_old(&[it.clone()], None), []);
        let told = [(key(), Duration::from_hours(12))];
        assert_eq!(unread.newly_old(&[it.clone()], day), told);
        assert_eq!(unread.newly_old(&[it.clone()], day), []);
        unread.replace(Vec::new(), StoreTime(1));
        unread.replace(vec![(key(), "full".to_owned())], StoreTime(2));
        assert_eq!(unread.newly_old(&[it], day), told);
    }
}
