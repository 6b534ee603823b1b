//! From rows to a plan: what the pure algorithms are asked, and what their answer means.

use std::collections::{BTreeMap, BTreeSet};

use super::{Planner, moves::Stage};
use crate::{
    assignment::{
        self, LeaseView, View, WorkerIndex, WorkerView,
        placement::{Mode, PlacementRules, Resolver, Rule, Target, Uncovered},
    },
    coordinator::{command::Notice, context::Context},
    lease::{Document, Lease, LeaseKey, SessionId, WorkerId},
    lineage::{self, Changes, FrozenStart, Lineage},
};

/// How many session timeouts a lease stays where it was moved to before its weight may move it on.
const COOL_DOWN: u32 = 10;

impl Planner {
    /// Takes the placement rules over from their document. Rules that make no sense leave those in
    /// force that were read before: a slip of an operator must not move every lease. Nor must it
    /// where none were read before: see [`Self::rules_in_force`].
    pub(super) fn read_rules(&mut self, doc: Option<&Document>, ctx: &mut Context) {
        match doc.map(|doc| PlacementRules::decode(&doc.body)) {
            None => self.rules = PlacementRules::default(),
            Some(Ok(rules)) => self.rules = rules,
            Some(Err(error)) => {
                self.rules_seen = None;
                return ctx.notify(Notice::BadRules(error.to_string()));
            }
        }
        self.rules_known = true;
        self.rules_seen = Some(doc.map(|doc| doc.version));
    }

    /// Whether there are rules that say who may take a lease. Rules that could never be read may.
    pub(super) fn may_have_rules(&self) -> bool {
        !self.rules_known || self.rules != PlacementRules::default()
    }

    /// The rules to plan by. That they could not be read is no proof that there are none: then each
    /// lease had better stay where it is, and what nobody holds goes to whoever has room.
    fn rules_in_force(&self) -> PlacementRules {
        if self.rules_known {
            return self.rules.clone();
        }
        let stays = |row: &Lease| {
            let owner = row.owner.as_ref().filter(|owner| self.fleet.is_alive(owner))?;
            let (stream, shard) = (row.key.stream()?, row.key.shard()?);
            let mut rule = Rule::new(Target::Shard(shard), owner.worker.clone(), Mode::Prefer);
            rule.stream = Some(stream.name);
            rule.created = Some(stream.created);
            Some(rule)
        };
        let rules = self.rows.values().filter_map(stays).collect();
        // One for each row: none is there twice.
        PlacementRules::new(rules, Uncovered::default()).unwrap_or_default()
    }

    /// Which rows the lineage asks for, after a listing of the shards that is newer than the rows.
    pub(super) fn reconcile(&self, start: FrozenStart) -> Changes {
        let Some(view) = &self.stream else { return Changes::default() };
        let rows: Vec<Lease> = self.rows.values().cloned().collect();
        let lineage = Lineage::new(&view.description.key, &view.shards, &rows);
        lineage::reconcile(&lineage, start)
    }

    /// Tells of what the lineage found wrong. A hole counts when it is seen twice: a list may lag.
    pub(super) fn note_problems(&mut self, changes: &Changes, ctx: &mut Context) {
        for hole in changes.holes.iter().filter(|hole| self.holes.contains(hole)) {
            ctx.notify(Notice::Hole(hole.to_string()));
        }
        self.holes.clone_from(&changes.holes);
        for problem in &changes.problems {
            ctx.notify(Notice::Lineage(problem.to_string()));
        }
    }

    /// Decides who should hold what, from the rows as they are. Answers which leases nobody may
    /// hold, and why.
    pub(super) fn compute(&mut self, ctx: &Context) -> Vec<(LeaseKey, String)> {
        let members: Vec<SessionId> = self.fleet.members().map(|row| row.id.clone()).collect();
        let view = self.view(&members, ctx);
        let plan = assignment::plan(&view);
        let seated = view.leases.iter().zip(&plan.seats);
        self.desired = seated
            .filter_map(|(lease, seat)| {
                let member = members.get(seat.as_ref()?.get())?;
                Some((lease.key.clone(), member.clone()))
            })
            .collect();
        // A planner that leaves alone knows that it leaves nobody behind.
        let is_news = |left: &&assignment::Unassigned| left.reason != assignment::Reason::NoWorker;
        let unassigned = plan.unassigned.iter().filter(is_news).filter_map(|left| {
            let lease = view.leases.get(left.lease)?;
            Some((lease.key.clone(), left.reason.to_string()))
        });
        unassigned.collect()
    }

    fn view(&self, members: &[SessionId], ctx: &Context) -> View {
        let rows: Vec<Lease> = self.rows.values().cloned().collect();
        let workers: BTreeMap<&WorkerId, WorkerIndex> = members
            .iter()
            .enumerate()
            .map(|(at, member)| (&member.worker, WorkerIndex::new(at)))
            .collect();
        // A stream that has not been listed yet is known by its rows: the rules hold all the same.
        // Rows of another one may have been left behind.
        let mine = ctx.reads.known().map(|known| &known.key.name);
        let known = rows.iter().filter_map(|row| row.key.stream());
        let known = known.filter(|stream| Some(&stream.name) == mine);
        let (stream, shards) = match &self.stream {
            Some(stream) => (Some(stream.description.key.clone()), stream.shards.as_slice()),
            None => (known.max_by_key(|stream| stream.created), [].as_slice()),
        };
        let rules = self.rules_in_force();
        let leases = stream.as_ref().map_or_else(Vec::new, |stream| {
            let lineage = Lineage::new(stream, shards, &rows);
            let resolver = Resolver::new(&rules, &lineage);
            let view = |row| self.lease_view(row, &workers, &resolver, ctx);
            self.runnable(&lineage).into_iter().map(view).collect()
        });
        let capacity = |member: &SessionId| {
            let row = self.fleet.member_of(&member.worker);
            row.map(|row| row.capacity).filter(|capacity| *capacity > 0)
        };
        let workers = members
            .iter()
            .map(|member| {
                let mut worker = WorkerView::new(member.worker.clone());
                worker.capacity = capacity(member);
                worker
            })
            .collect();
        let mut view = View::new(leases, workers);
        view.limits = ctx.settings.limits;
        view.balance = ctx.settings.balance;
        view.rules = rules;
        view
    }

    /// The rows that may be read now, and those that an owner has to end because the stream has
    /// forgotten their shard. As long as the stream has not been listed, whatever a live worker
    /// holds stays where it is.
    fn runnable<'a>(&self, lineage: &Lineage<'a>) -> Vec<&'a Lease> {
        let orphaned: BTreeSet<&LeaseKey> = self.orphaned.iter().collect();
        let is_held = |row: &Lease| row.owner.as_ref().is_some_and(|o| self.fleet.is_alive(o));
        let stays =
            |row: &Lease| orphaned.contains(&row.key) || (self.stream.is_none() && is_held(row));
        let readable = |row: &&Lease| {
            lineage.is_runnable(row)
                || (stays(row) && !row.has_ended())
                || planted!(EndedTakesSeat) && row.has_ended()
        };
        lineage.leases().map(|(_, row)| row).filter(readable).collect()
    }

    fn lease_view(
        &self,
        row: &Lease,
        workers: &BTreeMap<&WorkerId, WorkerIndex>,
        resolver: &Resolver<'_>,
        ctx: &Context,
    ) -> LeaseView {
        let worker = |id: Option<&WorkerId>| id.and_then(|id| workers.get(id).copied());
        let mut view = LeaseView::new(row.key.clone());
        view.holder = worker(self.holder(row));
        view.parent_holder = worker(self.parent_holder(row));
        view.avoid = worker(row.avoid.as_ref());
        view.weight = self.loads.weight(row);
        view.lag = self.loads.lag(row);
        let cool_down = ctx.settings.session_timeout * COOL_DOWN;
        view.settled = self.moved_at.get(&row.key).is_none_or(|at| ctx.now >= *at + cool_down);
        let rule = row.key.shard().and_then(|shard| resolver.resolve(&shard));
        view.rule = rule.and_then(|resolved| u32::try_from(resolved.rule).ok());
        view
    }

    /// Who holds a lease, or is about to: a move that has been ordered is not called off, nor when
    /// the lease is released and not yet taken. A worker that came back under its id keeps what its
    /// former life held.
    fn holder<'a>(&'a self, row: &'a Lease) -> Option<&'a WorkerId> {
        let ordered = self.moves.get(&row.key).filter(|moving| {
            moving.stage != Stage::Announced && row.owner.as_ref() == Some(&moving.from)
        });
        let released = row
            .successor
            .as_ref()
            .filter(|to| self.fleet.is_alive(to) && !planted!(HandoverCalledOff));
        let holder = ordered.map(|moving| &moving.to).or(row.owner.as_ref()).or(released);
        holder.map(|holder| &holder.worker)
    }

    /// Who holds, or held last by the plan, a parent of the lease.
    fn parent_holder<'a>(&'a self, row: &'a Lease) -> Option<&'a WorkerId> {
        row.parents.iter().find_map(|parent| {
            let key = row.key.sibling(parent)?;
            let owner = self.rows.get(&key).and_then(|parent| parent.owner.as_ref());
            owner.or_else(|| self.desired.get(&key)).map(|holder| &holder.worker)
        })
    }
}
