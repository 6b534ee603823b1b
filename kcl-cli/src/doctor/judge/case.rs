//! The input of the judges: the facts, and what all of them derive from the facts first.
//!
//! A [`Case`] adds the fleet, the stream's lineage and a plan. The plan is made by the same
//! function as a planner's, with the rules and marks of the store: so a judge knows why a lease has
//! no owner, although no planner lives.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use kcl_core::{
    assignment::{
        self, Balance, LeaseView, Limits, Reason, View, WorkerIndex, WorkerView,
        placement::{PlacementRules, Resolver},
    },
    lease::{
        Lease, LeaseKey, Session, SessionState, WorkerId,
        report::{Reports, Told, WorkerReport},
    },
    lineage::Lineage,
    stream::{Shard, ShardId, StreamKey},
};

use super::fleet::Fleet;
use crate::doctor::{
    facts::{Facts, Progress, age},
    remedy::Shell,
};

/// The thresholds of the judges.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The age of the oldest unread record from which it is a finding (`--max-lag`).
    pub(crate) lag: Duration,
    /// The limits in this command's settings. They count if the planner reports no limits.
    pub(crate) limits: Limits,
}

/// One reading with everything that several judges need.
pub(super) struct Case<'f> {
    pub(super) facts: &'f Facts,
    pub(super) progress: &'f Progress,
    pub(super) bounds: Bounds,
    pub(super) shell: &'f Shell,
    pub(super) fleet: Fleet<'f>,
    /// The shards of the stream in its present life, joined with their leases; `None` if no stream
    /// or no leases are known.
    pub(super) lineage: Option<&'f Lineage<'f>>,
    /// The plan of [`Case::plan`].
    pub(super) planned: Planned,
}

/// The plan that a planner would make of a reading. It is empty if leases or documents are unknown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Planned {
    /// Of each runnable lease that the plan gives to nobody, the reason.
    pub(crate) reasons: BTreeMap<LeaseKey, Reason>,
    /// The index of the placement rule of each shard that has one, from 0.
    pub(crate) rules: BTreeMap<ShardId, usize>,
    /// For each worker, the number of leases that it should hold, and the number that it holds.
    /// Drained workers are left out.
    pub(crate) counts: BTreeMap<WorkerId, (usize, usize)>,
}

/// The stream, in its present life, that the reading is about: as the stream describes itself, else
/// the newest stream that has a lease.
pub(crate) fn stream_of(facts: &Facts) -> Option<StreamKey> {
    let told = facts.stream.get().map(|it| it.description.key.clone());
    let by_rows = || {
        let leases = facts.leases.get()?;
        let streams = leases.rows.iter().filter_map(|lease| lease.key.stream());
        streams.max_by_key(|stream| stream.created)
    };
    told.or_else(by_rows)
}

/// The shards that the stream lists; empty if the list is unknown.
pub(crate) fn shards_of(facts: &Facts) -> &[Shard] {
    facts.shards.get().map_or(&[], Vec::as_slice)
}

impl<'f> Case<'f> {
    /// The leases of the stream's present life that have not ended, by shard.
    pub(super) fn open_leases(&self) -> impl Iterator<Item = (&ShardId, &'f Lease)> {
        let rows = self.lineage.into_iter().flat_map(Lineage::leases);
        rows.filter(|(_, lease)| !lease.has_ended())
    }

    /// The workers among which a planner shares leases out: those that beat, are not leaving, and
    /// may read the stream. Drained workers are among them.
    pub(super) fn members(&self) -> Vec<&'f Session> {
        let streams = self.facts.documents.get().and_then(|it| it.streams.as_ref());
        let name = streams.and_then(kcl_core::lease::Streams::name);
        let may = |session: &&Session| {
            session.state == SessionState::Live && (name.is_none() || session.may_read(name))
        };
        self.fleet.live().filter(may).collect()
    }

    /// The reports of the workers and of the planner; `None` if the documents are unknown.
    pub(super) fn reports(&self) -> Option<&'f Reports> {
        self.facts.documents.get().map(|it| &it.reports)
    }

    /// The fresh reports of workers that live.
    pub(super) fn told(&self) -> impl Iterator<Item = (&'f WorkerId, &'f Told<WorkerReport>)> {
        let live: BTreeSet<&WorkerId> = self.fleet.live().map(|row| &row.id.worker).collect();
        let workers = self.reports().into_iter().flat_map(|it| &it.workers);
        workers.filter(move |(worker, told)| told.is_fresh() && live.contains(worker))
    }

    /// The age of the oldest unread record of a lease; `None` if its lag is unknown.
    pub(super) fn unread_for(&self, key: &LeaseKey) -> Option<Duration> {
        self.facts.lags.get()?.get(key).and_then(|lag| age(lag, self.facts.wall))
    }

    /// For how long the stream keeps records; `None` if the stream is unknown.
    pub(super) fn retention(&self) -> Option<Duration> {
        self.facts.stream.get().map(|it| it.description.retention)
    }

    /// Makes the plan, by number of leases (`Balance::Even`) whatever the fleet's own setting is:
    /// the reasons why a lease has no owner come from rules, marks and limits.
    pub(super) fn plan(&self) -> Planned {
        let (Some(lineage), Some(documents)) = (self.lineage, self.facts.documents.get()) else {
            return Planned::default();
        };
        let none = PlacementRules::default();
        let rules = documents.placement.as_ref().unwrap_or(&none);
        let resolver = Resolver::new(rules, lineage);
        let resolver = match &documents.inherited {
            Some(inherited) => resolver.with_inherited(inherited),
            None => resolver,
        };
        let marks = &documents.marks;
        let drains = |row: &&Session| marks.drains(&row.id.worker);
        let (drained, members): (Vec<&Session>, Vec<&Session>) =
            self.members().into_iter().partition(drains);
        let places: BTreeMap<&WorkerId, WorkerIndex> = members
            .iter()
            .enumerate()
            .map(|(at, row)| (&row.id.worker, WorkerIndex::new(at)))
            .collect();
        let mut planned = Planned::default();
        let leases = self.open_leases().filter_map(|(shard, row)| {
            let rule = resolver.resolve(shard).map(|resolved| resolved.rule);
            planned.rules.extend(rule.map(|rule| (shard.clone(), rule)));
            lineage.is_runnable(row).then(|| {
                let mut view = LeaseView::new(row.key.clone());
                let owner = row.owner.as_ref().map(|owner| &owner.worker);
                view.holder = owner.and_then(|owner| places.get(owner).copied());
                view.avoid = row.avoid.as_ref().and_then(|avoid| places.get(avoid).copied());
                view.rule = rule.and_then(|rule| u32::try_from(rule).ok());
                view.paused = marks.pauses(&row.key);
                let sent_to = marks.sends(&row.key, self.facts.wall);
                view.sent_to = sent_to.and_then(|to| places.get(to).copied());
                view
            })
        });
        let leases: Vec<LeaseView> = leases.collect();
        let mut view = View::new(leases, members.iter().map(|row| worker(row)).collect());
        // The limits in the planner's report count, if it has them.
        let told = self.reports().and_then(Reports::plan).map(|told| told.limits);
        (view.limits, view.balance) = (told.unwrap_or(self.bounds.limits), Balance::Even);
        view.rules = rules.clone();
        view.drained = drained.into_iter().map(|row| row.id.worker.clone()).collect();
        let plan = assignment::plan(&view);
        let reason = |left: &assignment::Unassigned| {
            Some((view.leases.get(left.lease)?.key.clone(), left.reason.clone()))
        };
        planned.reasons = plan.unassigned.iter().filter_map(reason).collect();
        for (member, due) in members.iter().zip(&plan.counts) {
            let place = places.get(&member.id.worker).copied();
            let held = view.leases.iter().filter(|it| it.holder.is_some() && it.holder == place);
            planned.counts.insert(member.id.worker.clone(), (*due, held.count()));
        }
        planned
    }
}

/// The worker of a session as the plan sees it.
fn worker(row: &Session) -> WorkerView {
    let mut worker = WorkerView::new(row.id.worker.clone());
    worker.capacity = Some(row.capacity).filter(|capacity| *capacity > 0);
    worker
}
