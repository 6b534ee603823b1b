//! How heavy the shards are: as hosts measure it, and in truth.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use kcl_core::{
    assignment::{self, Balance, LeaseView, View, WorkerIndex, WorkerView},
    lease::{LeaseKey, SessionId, report::WorkerReport},
    observe::Arrived,
    settings::Coordination,
};

use super::World;
use crate::sim::stream::ShardNo;

/// The payload of a record, in bytes.
const RECORD_BYTES: u64 = 20_000;

/// How long it takes until loads are known that changed: the window that they are measured over,
/// and the time between two reports.
const KNOWN_AFTER: Duration = Duration::from_secs(90);

impl World {
    /// Whether leases are shared out by load, by all workers.
    pub(super) fn is_weighted(&self) -> bool {
        self.settings_used().all(|s| matches!(s.balance, Balance::Weighted(_)))
    }

    /// How long after the last fault leases go on moving for their load's sake: it has to be known,
    /// an audit plans by it, and what was moved by what was known before is moved on by another one
    /// after its cool-down.
    pub(super) fn weighing(&self) -> Duration {
        if !self.is_weighted() {
            return Duration::ZERO;
        }
        let round = |s: &Coordination| s.audit_interval * 3 + s.session_timeout * 11;
        KNOWN_AFTER + self.settings_used().map(round).max().unwrap_or_default()
    }

    /// What a host knows of the loads of the leases that it holds: a batch may go on of one that it
    /// has given away.
    pub(super) fn measure(&mut self, at: usize) -> WorkerReport {
        let host = &mut self.hosts[at];
        let now = host.clock.local(self.now);
        let held: BTreeSet<&LeaseKey> = host.coordinator.held().map(|(key, _)| key).collect();
        let runs = host.runs.values_mut().filter(|run| held.contains(&run.key));
        WorkerReport::of_loads(runs.map(|run| (run.key.clone(), run.meter.load(now))))
    }

    /// A reader looks at its shard, which has taken `count` records: what it sees.
    pub(super) fn note_read(&mut self, at: usize, no: ShardNo, count: u64) {
        let (arrival, now) = (|record| self.stream.arrival(no, record), self.now);
        let Some(run) = self.hosts[at].runs.get(&no) else { return };
        let to = count.min(run.done + super::runs::BATCH_MAX);
        let records = to.saturating_sub(run.done.max(run.read));
        let behind = if to < count { now.since(arrival(to)) } else { Duration::ZERO };
        let mut answer = Arrived::default();
        (answer.records, answer.bytes) = (records, records * RECORD_BYTES);
        answer.lag = Some(behind);
        let host = &mut self.hosts[at];
        let local = host.clock.local(now);
        if let Some(run) = host.runs.get_mut(&no) {
            run.meter.read(local, answer);
            run.read = to.max(run.read);
        }
    }

    /// How much the most loaded worker takes in a second, and how much it may: what a plan by the
    /// true loads would leave it with, and one and a half times what is not worth a move. `None`
    /// where something else says who reads what.
    pub(super) fn load(&self) -> Option<(u64, u64)> {
        let Balance::Weighted(weighting) = self.script.settings.balance else { return None };
        if !self.is_weighted() || !self.placement.is_even() {
            return None;
        }
        let members: Vec<&SessionId> = self
            .hosts
            .iter()
            .filter(|host| host.is_member() && host.reads == self.stream.current)
            .map(|host| host.coordinator.session())
            .collect();
        let index: BTreeMap<&SessionId, usize> =
            members.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        let mut now = vec![0_u64; members.len()];
        let mut leases = Vec::new();
        for row in self.store.rows.leases.values().filter(|row| !row.has_ended()) {
            let Some(no) = self.stream.number(&row.key) else { continue };
            let Some(holder) = row.owner.as_ref().and_then(|owner| index.get(owner)) else {
                continue;
            };
            let is_open = self.stream.shards[no].is_open();
            let weight = if is_open { self.stream.rate(no) * RECORD_BYTES / 100 } else { 0 };
            now[*holder] += weight;
            let mut lease = LeaseView::new(row.key.clone());
            (lease.holder, lease.weight) = (Some(WorkerIndex::new(*holder)), Some(weight));
            leases.push(lease);
        }
        let workers = members.iter().map(|id| WorkerView::new(id.worker.clone())).collect();
        let mut view = View::new(leases, workers);
        view.balance = self.script.settings.balance;
        let mut planned = vec![0_u64; members.len()];
        for (lease, seat) in view.leases.iter().zip(&assignment::plan(&view).seats) {
            if let Some(seat) = seat {
                planned[seat.get()] += lease.weight.unwrap_or(0);
            }
        }
        let level = now.iter().sum::<u64>() / (members.len() as u64).max(1);
        let tolerance = level * u64::from(weighting.hysteresis_percent) / 100;
        let tolerance = tolerance.max(weighting.floor);
        let most = now.into_iter().max()?;
        Some((most, planned.into_iter().max()? + tolerance + tolerance / 2))
    }
}
