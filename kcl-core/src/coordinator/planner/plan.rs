//! Who should hold what: what the pure algorithms are asked, and what their answer means.
//!
//! A plan has no phases: it is made from the catalogue and the moves under way, at once.

/// Whether a lease that has ended takes a seat: none does.
fn takes_a_seat_ended(row: &Lease) -> bool {
    row.has_ended() && planted!(EndedTakesSeat)
}

/// Whether a lease that was released counts as its successor's until that has taken it.
fn is_awaited_by_successor() -> bool {
    !planted!(HandoverCalledOff)
}

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    catalogue::{Catalogue, StreamPlan},
    loads::Loads,
    made::{self, Made},
    moves::Moves,
};
use crate::{
    assignment::{
        self, LeaseView, View, WorkerIndex, WorkerView,
        placement::{Mode, PlacementRules, Resolver, Rule, Target},
    },
    coordinator::context::Context,
    env::Time,
    lease::{Lease, LeaseKey, Session, SessionId, WorkerId},
    lineage::Lineage,
    stream::{Shard, ShardId, StreamKey},
};

/// How many session timeouts a lease stays where it was moved to before its weight may move it on.
const COOL_DOWN: u32 = 10;

/// For how many session timeouts a worker must have lived before what prefers it returns to it.
const RETURN_AFTER: u32 = 2;

/// Who should hold what.
#[derive(Debug)]
pub(super) struct Plan {
    desired: BTreeMap<LeaseKey, SessionId>,
    /// When the next worker has lived long enough for leases to return to it.
    return_at: Time,
}

impl Default for Plan {
    fn default() -> Self {
        Self { desired: BTreeMap::new(), return_at: Time::NEVER }
    }
}

impl Plan {
    #[cfg(test)]
    pub(super) const fn of(desired: BTreeMap<LeaseKey, SessionId>) -> Self {
        Self { desired, return_at: Time::NEVER }
    }

    /// When another plan is to be made because of this one.
    pub(super) const fn next_wake(&self) -> Time {
        self.return_at
    }

    /// Whether another plan is to be made now because of this one; once.
    pub(super) fn take_return(&mut self, now: Time) -> bool {
        let due = self.return_at <= now;
        if due {
            self.return_at = Time::NEVER;
        }
        due
    }

    /// Each lease that somebody should hold, and who.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&LeaseKey, &SessionId)> {
        self.desired.iter()
    }

    /// Who should hold a lease.
    pub(super) fn holder_of(&self, key: &LeaseKey) -> Option<&SessionId> {
        self.desired.get(key)
    }

    /// Decides anew who should hold what. Answers which leases nobody may hold, and why, and which
    /// go to others.
    pub(super) fn make(
        &mut self,
        catalogue: &Catalogue,
        loads: &Loads,
        moves: &Moves,
        ctx: &Context,
    ) -> Made {
        let members: Vec<&Session> = catalogue.fleet.members().collect();
        let sight = Sight { plan: self, catalogue, loads, moves, workers: numbered(&members), ctx };
        let (view, return_at) = sight.view(&members);
        let plan = assignment::plan(&view);
        let seated = view.leases.iter().zip(&plan.seats);
        let desired = seated.filter_map(|(lease, seat)| {
            let member = members.get(seat.as_ref()?.get())?;
            Some((lease.key.clone(), member.id.clone()))
        });
        let desired = desired.collect();
        // A planner that leaves alone knows that it leaves nobody behind.
        let is_news = |left: &&assignment::Unassigned| left.reason != assignment::Reason::NoWorker;
        let unassigned = plan.unassigned.iter().filter(is_news).filter_map(|left| {
            let lease = view.leases.get(left.lease)?;
            Some((lease.key.clone(), left.reason.to_string()))
        });
        let made = Made {
            unassigned: unassigned.collect(),
            given: made::given(&view, &plan.seats, &members, &self.desired, catalogue),
            workers: members.len(),
            runnable: view.leases.len(),
        };
        (self.desired, self.return_at) = (desired, return_at);
        made
    }
}

/// What the next plan is made from.
struct Sight<'a> {
    /// The plan so far.
    plan: &'a Plan,
    catalogue: &'a Catalogue,
    loads: &'a Loads,
    moves: &'a Moves,
    workers: BTreeMap<&'a WorkerId, WorkerIndex>,
    ctx: &'a Context,
}

/// The shards of a stream, as it was last listed.
fn shards_of(plan: &StreamPlan) -> &[Shard] {
    plan.view().map_or([].as_slice(), |view| view.shards.as_slice())
}

/// The place of each worker among the members.
fn numbered<'a>(members: &[&'a Session]) -> BTreeMap<&'a WorkerId, WorkerIndex> {
    let numbered = members.iter().enumerate();
    numbered.map(|(at, row)| (&row.id.worker, WorkerIndex::new(at))).collect()
}

impl<'a> Sight<'a> {
    /// What the plan is made from, and when to make another one for what it leaves waiting.
    fn view(&self, members: &[&Session]) -> (View, Time) {
        let rules = self.rules_in_force();
        let returns = self.returns(members, &rules);
        let streams = self.catalogue.streams.values();
        let leases = streams.flat_map(|plan| self.leases_of(plan, &rules)).collect();
        let workers = members.iter().map(|row| {
            let mut worker = WorkerView::new(row.id.worker.clone());
            worker.capacity = Some(row.capacity).filter(|capacity| *capacity > 0);
            worker.is_settled = !returns.contains_key(&row.id.worker);
            worker
        });
        let mut view = View::new(leases, workers.collect());
        view.limits = self.ctx.settings.limits;
        view.balance = self.ctx.settings.balance;
        view.frozen = self.catalogue.rules.are_frozen();
        view.rules = rules;
        (view, returns.into_values().min().unwrap_or(Time::NEVER))
    }

    /// The workers that rules prefer and that have not lived long enough yet for leases to return
    /// to them, and when they will have. A new planner counts from when it saw them first.
    fn returns<'r>(
        &self,
        members: &[&'r Session],
        rules: &PlacementRules,
    ) -> BTreeMap<&'r WorkerId, Time> {
        let is_preferred = |rule: &&Rule| rule.mode == Mode::Prefer;
        let preferred = rules.rules().iter().filter(is_preferred).map(|rule| &rule.worker);
        let preferred: BTreeSet<&WorkerId> = preferred.collect();
        if preferred.is_empty() {
            return BTreeMap::new();
        }
        let seen = self.catalogue.fleet.first_seen();
        let with_time = |row: &&'r Session| {
            let seen_at = seen.get(&row.id).copied()?;
            Some((&row.id.worker, seen_at + row.timeout * RETURN_AFTER))
        };
        let named = members.iter().filter(|row| preferred.contains(&row.id.worker));
        named.filter_map(with_time).filter(|(_, at)| *at > self.ctx.now).collect()
    }

    /// The rules to plan by. That they could not be read is no proof that there are none, nor is it
    /// one that a shard inherits none of those there are: then each lease that no rule is known for
    /// had better stay where it is, and what nobody holds goes to whoever has room.
    fn rules_in_force(&self) -> PlacementRules {
        let Some(rules) = self.catalogue.rules.known() else {
            return self.with_all_that_stay(&PlacementRules::default());
        };
        if !self.catalogue.rules.name_any() || self.catalogue.inheritance.is_known() {
            return rules.clone();
        }
        self.with_all_that_stay(rules)
    }

    /// The rules, and one for each lease that they do not cover and that a live worker holds: it
    /// stays there.
    fn with_all_that_stay(&self, stated: &PlacementRules) -> PlacementRules {
        let streams = self.catalogue.streams.values();
        let stay = streams.flat_map(|plan| self.uncovered_that_stay(plan, stated));
        let rules = stated.rules().iter().cloned().chain(stay).collect();
        // One for each row: none is there twice.
        PlacementRules::new(rules, stated.uncovered()).unwrap_or_default()
    }

    fn uncovered_that_stay(&self, plan: &StreamPlan, stated: &PlacementRules) -> Vec<Rule> {
        let Some(stream) = self.stream_of(plan) else { return Vec::new() };
        let rows = self.catalogue.rows_of(plan);
        let lineage = Lineage::new(&stream, shards_of(plan), rows.clone());
        let resolver = self.resolver(stated, &lineage);
        let is_covered =
            |row: &Lease| row.key.shard().is_some_and(|shard| resolver.resolve(&shard).is_some());
        let stays = |row: &Lease| {
            let owner = row.owner.as_ref().filter(|_| self.catalogue.is_held(row))?;
            let (stream, shard) = (row.key.stream()?, row.key.shard()?);
            let mut rule = Rule::new(Target::Shard(shard), owner.worker.clone(), Mode::Prefer);
            rule.stream = Some(stream.name);
            rule.created = Some(stream.created);
            Some(rule)
        };
        rows.filter(|row| !is_covered(row)).filter_map(stays).collect()
    }

    /// The stream, in the life it was listed in. One that has not been listed yet is known by its
    /// rows: the rules hold all the same.
    fn stream_of(&self, plan: &StreamPlan) -> Option<StreamKey> {
        let by_rows = || {
            let rows = self.catalogue.rows_of(plan);
            rows.filter_map(|row| row.key.stream()).max_by_key(|stream| stream.created)
        };
        plan.key().cloned().or_else(by_rows)
    }

    fn resolver<'r>(&'r self, rules: &'r PlacementRules, lineage: &'r Lineage<'r>) -> Resolver<'r> {
        Resolver::new(rules, lineage).with_inherited(self.catalogue.inheritance.known())
    }

    /// The leases of a stream that may be read.
    fn leases_of(&self, plan: &StreamPlan, rules: &PlacementRules) -> Vec<LeaseView> {
        let Some(stream) = self.stream_of(plan) else { return Vec::new() };
        let lineage = Lineage::new(&stream, shards_of(plan), self.catalogue.rows_of(plan));
        let resolver = self.resolver(rules, &lineage);
        let view = |(shard, row): (&ShardId, &Lease)| self.lease_view(shard, row, &resolver);
        self.runnable(&lineage, plan).map(view).collect()
    }

    /// The rows that may be read now, and those that an owner has to end because the stream has
    /// forgotten their shard. As long as the stream has not been listed, whatever a live worker
    /// holds stays where it is.
    fn runnable<'r>(
        &self,
        lineage: &'r Lineage<'_>,
        plan: &'r StreamPlan,
    ) -> impl Iterator<Item = (&'r ShardId, &'r Lease)> {
        let orphaned: BTreeSet<&LeaseKey> = plan.orphaned().iter().collect();
        let is_unlisted = plan.view().is_none();
        let stays = move |row: &Lease| {
            orphaned.contains(&row.key) || (is_unlisted && self.catalogue.is_held(row))
        };
        let readable = lineage.readable().filter(move |(_, row, runnable)| {
            *runnable || stays(row) && !row.has_ended() || takes_a_seat_ended(row)
        });
        let readable = readable.filter(|(_, row, _)| !self.catalogue.is_unreadable(&row.key));
        readable.map(|(node, row, _)| (&node.id, row))
    }

    fn lease_view(&self, shard: &ShardId, row: &Lease, resolver: &Resolver<'_>) -> LeaseView {
        let worker = |id: Option<&WorkerId>| id.and_then(|id| self.workers.get(id).copied());
        let mut view = LeaseView::new(row.key.clone());
        view.holder = worker(self.holder(row));
        view.parent_holder = worker(self.parent_holder(row));
        view.avoid = worker(row.avoid.as_ref());
        view.weight = self.loads.weight(row);
        view.lag = self.loads.lag(row);
        let cool_down = self.ctx.settings.session_timeout * COOL_DOWN;
        let moved_at = self.moves.moved_at(&row.key);
        view.settled = moved_at.is_none_or(|at| self.ctx.now >= at + cool_down);
        let rule = resolver.resolve(shard);
        view.rule = rule.and_then(|resolved| u32::try_from(resolved.rule).ok());
        view
    }

    /// Who holds a lease, or is about to: a move that has been ordered is not called off, nor when
    /// the lease is released and not yet taken. A worker that came back under its id keeps what its
    /// former life held.
    fn holder<'r>(&'r self, row: &'r Lease) -> Option<&'r WorkerId> {
        let ordered = self.moves.ordered_to(row);
        let lives = |to: &&SessionId| self.catalogue.fleet.is_alive(to);
        let released = row.successor.as_ref().filter(|to| lives(to) && is_awaited_by_successor());
        ordered.or(row.owner.as_ref()).or(released).map(|holder| &holder.worker)
    }

    /// Who holds, or held last by the plan, a parent of the lease.
    fn parent_holder(&self, row: &Lease) -> Option<&'a WorkerId> {
        row.parents.iter().find_map(|parent| {
            let key = row.key.sibling(parent)?;
            let owner = self.catalogue.rows.get(&key).and_then(|parent| parent.owner.as_ref());
            owner.or_else(|| self.plan.holder_of(&key)).map(|holder| &holder.worker)
        })
    }
}
