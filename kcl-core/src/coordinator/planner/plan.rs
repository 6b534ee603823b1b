//! Which worker should hold which lease: builds the view for the pure algorithms of `assignment`,
//! and takes over their answer.
//!
//! The view holds the rows, sessions, rules, marks, loads and moves that the algorithms need.
//! Making a plan asks the store nothing.

/// Whether the lease of an ended shard takes a seat.
fn takes_a_seat_ended(row: &Lease) -> bool {
    row.has_ended() && planted!(EndedTakesSeat)
}

/// Whether a released lease counts as its successor's until that session has acquired it.
fn is_awaited_by_successor() -> bool {
    !planted!(HandoverCalledOff)
}

/// Whether a worker that the operator has drained gets no lease.
fn drained_get_nothing() -> bool {
    !planted!(DrainedStillCounts)
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
    env::{Time, WallTime},
    lease::{Lease, LeaseKey, Session, SessionId, WorkerId},
    lineage::Lineage,
    stream::{Shard, ShardId, StreamKey},
};

/// For how many session timeouts a lease that was moved stays, before its weight may move it again.
const COOL_DOWN: u32 = 10;

/// How many session timeouts a worker must have lived before a lease that prefers it returns to it.
const RETURN_AFTER: u32 = 2;

/// The newest plan.
#[derive(Debug)]
pub(super) struct Plan {
    /// For each lease that a worker should hold, that worker's session.
    desired: BTreeMap<LeaseKey, SessionId>,
    /// When another plan should be made because of this one: a worker will have lived long enough
    /// for leases to return to it, an order to send a lease somewhere ends, or an owner may have
    /// released a lease as the operator asked.
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

    /// When another plan should be made because of this one; [`Time::NEVER`] if it need not.
    pub(super) const fn next_wake(&self) -> Time {
        self.return_at
    }

    /// Whether that time has come; true only once.
    pub(super) fn take_return(&mut self, now: Time) -> bool {
        let due = self.return_at <= now;
        if due {
            self.return_at = Time::NEVER;
        }
        due
    }

    /// Each lease that a worker should hold, with that worker's session.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&LeaseKey, &SessionId)> {
        self.desired.iter()
    }

    /// The session that should hold a lease; `None` if none may.
    pub(super) fn holder_of(&self, key: &LeaseKey) -> Option<&SessionId> {
        self.desired.get(key)
    }

    /// Makes the plan anew, from a complete reading. Returns which leases no worker may hold, and
    /// which change hands.
    pub(super) fn make(
        &mut self,
        catalogue: &Catalogue,
        loads: &Loads,
        moves: &Moves,
        ctx: &Context,
    ) -> Made {
        let drains = |row: &&Session| catalogue.rules.marks().drains(&row.id.worker);
        let (drained, members): (Vec<&Session>, Vec<&Session>) =
            catalogue.fleet.members().partition(|row| drains(row) && drained_get_nothing());
        let sight = Sight { plan: self, catalogue, loads, moves, workers: numbered(&members), ctx };
        let (mut view, mut return_at) = sight.view(&members);
        view.drained = drained.into_iter().map(|row| row.id.worker.clone()).collect();
        let plan = assignment::plan(&view);
        let seated = view.leases.iter().zip(&plan.seats);
        let desired = seated.filter_map(|(lease, seat)| {
            let member = members.get(seat.as_ref()?.get())?;
            Some((lease.key.clone(), member.id.clone()))
        });
        let desired = desired.collect();
        // A planner that leaves a fleet without other workers: that no worker is left is no news to
        // it.
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
        if plan.unassigned.iter().any(|left| left.reason == assignment::Reason::LetGo) {
            // The owner hands such a lease over to nobody, so no signal says that it was released.
            return_at = return_at.min(ctx.now + ctx.settings.heartbeat_interval);
        }
        (self.desired, self.return_at) = (desired, return_at);
        made
    }
}

/// The sources of the view from which a plan is made.
struct Sight<'a> {
    /// The plan before this one.
    plan: &'a Plan,
    /// The result of the last reading.
    catalogue: &'a Catalogue,
    loads: &'a Loads,
    moves: &'a Moves,
    /// The index of each worker in the view.
    workers: BTreeMap<&'a WorkerId, WorkerIndex>,
    ctx: &'a Context,
}

/// The shards of a stream as it was last listed; empty if it was not.
fn shards_of(plan: &StreamPlan) -> &[Shard] {
    plan.view().map_or([].as_slice(), |view| view.shards.as_slice())
}

/// The index of each worker among the members.
fn numbered<'a>(members: &[&'a Session]) -> BTreeMap<&'a WorkerId, WorkerIndex> {
    let numbered = members.iter().enumerate();
    numbered.map(|(at, row)| (&row.id.worker, WorkerIndex::new(at))).collect()
}

impl<'a> Sight<'a> {
    /// The view for the algorithms, and the time when another plan is due: a worker has lived long
    /// enough for leases to return to it, or an order to send a lease to a worker is over.
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
        let returns = returns.into_values().chain(self.end_of_the_next_sent());
        (view, returns.min().unwrap_or(Time::NEVER))
    }

    /// The store's time.
    fn store_time(&self) -> WallTime {
        WallTime::from_millis(self.ctx.epochs.store_time(self.ctx.now).0)
    }

    /// When the next order of the operator to send a lease to a worker ends.
    fn end_of_the_next_sent(&self) -> Option<Time> {
        let now = self.store_time();
        let end = self.catalogue.rules.marks().next_end(now)?;
        Some(self.ctx.now + end.since(now))
    }

    /// The workers that a rule or an order prefers and that have not lived long enough for leases
    /// to return to them, and when they will have. A new planner counts from when it saw them
    /// first.
    fn returns<'r>(
        &self,
        members: &[&'r Session],
        rules: &PlacementRules,
    ) -> BTreeMap<&'r WorkerId, Time> {
        let is_preferred = |rule: &&Rule| rule.mode == Mode::Prefer;
        let by_rules = rules.rules().iter().filter(is_preferred).map(|rule| &rule.worker);
        let by_hand = self.catalogue.rules.marks().sent.values().map(|sent| &sent.to);
        let preferred: BTreeSet<&WorkerId> = by_rules.chain(by_hand).collect();
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

    /// The rules to plan by. A planner that could not read the rules, or the inherited ones, must
    /// not plan as if there were none: a lease without a known rule stays with its live owner, and
    /// leases without one go to any worker with a free seat.
    fn rules_in_force(&self) -> PlacementRules {
        let Some(rules) = self.catalogue.rules.known() else {
            return self.with_all_that_stay(&PlacementRules::default());
        };
        if !self.catalogue.rules.name_any() || self.catalogue.inheritance.is_known() {
            return rules.clone();
        }
        self.with_all_that_stay(rules)
    }

    /// These rules, and for each lease of a live worker that none of them covers one more: the
    /// lease prefers its owner.
    fn with_all_that_stay(&self, stated: &PlacementRules) -> PlacementRules {
        let streams = self.catalogue.streams.values();
        let stay = streams.flat_map(|plan| self.uncovered_that_stay(plan, stated));
        let rules = stated.rules().iter().cloned().chain(stay).collect();
        // The added rules are one for each row, so no shard has two.
        PlacementRules::new(rules, stated.uncovered()).unwrap_or_default()
    }

    /// The rules that keep the uncovered leases of a stream where they are.
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

    /// The stream, in the life in which it was listed; before the first listing in the latest life
    /// that its rows name.
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

    /// The leases of a stream that may be read now.
    fn leases_of(&self, plan: &StreamPlan, rules: &PlacementRules) -> Vec<LeaseView> {
        let Some(stream) = self.stream_of(plan) else { return Vec::new() };
        let lineage = Lineage::new(&stream, shards_of(plan), self.catalogue.rows_of(plan));
        let resolver = self.resolver(rules, &lineage);
        let view = |(shard, row): (&ShardId, &Lease)| self.lease_view(shard, row, &resolver);
        self.runnable(&lineage, plan).map(view).collect()
    }

    /// The rows of shards that may be read now, and those of shards that the stream has forgotten:
    /// an owner has to end these. Before the first listing of the stream every lease of a live
    /// worker counts, too, so that it stays.
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

    /// The facts about a lease that the algorithms need: its holder, weight, lag, rule and marks.
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
        self.mark(row, &mut view);
        view
    }

    /// The operator's marks for this lease.
    fn mark(&self, row: &Lease, view: &mut LeaseView) {
        let marks = self.catalogue.rules.marks();
        let sent_to = marks.sends(&row.key, self.store_time());
        view.sent_to = sent_to.and_then(|to| self.workers.get(to).copied());
        view.paused = marks.pauses(&row.key);
        if marks.frees(row) {
            let owner = row.owner.as_ref().and_then(|owner| self.workers.get(&owner.worker));
            view.avoid = owner.copied();
            // Once its owner was ordered to give it to another, it is as good as there.
            view.let_go = view.holder == view.avoid;
        }
    }

    /// The worker that holds a lease or is about to: a move that was ordered is not called off, not
    /// even when the lease is released and not acquired yet. A worker with a new session keeps the
    /// leases of its former session.
    fn holder<'r>(&'r self, row: &'r Lease) -> Option<&'r WorkerId> {
        let ordered = self.moves.ordered_to(row);
        let lives = |to: &&SessionId| self.catalogue.fleet.is_alive(to);
        let released = row.successor.as_ref().filter(|to| lives(to) && is_awaited_by_successor());
        ordered.or(row.owner.as_ref()).or(released).map(|holder| &holder.worker)
    }

    /// The worker that holds a parent of the lease, or should hold it by the plan before.
    fn parent_holder(&self, row: &Lease) -> Option<&'a WorkerId> {
        row.parents.iter().find_map(|parent| {
            let key = row.key.sibling(parent)?;
            let owner = self.catalogue.rows.get(&key).and_then(|parent| parent.owner.as_ref());
            owner.or_else(|| self.plan.holder_of(&key)).map(|holder| &holder.worker)
        })
    }
}
