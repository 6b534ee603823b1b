//! Planning: what each worker should hold, published as one document per worker.
//!
//! ARCHITECTURE §4 rules 6, 8, 12 and 14. A plan is intent only: owners take and release leases
//! themselves, so that a stale or doubled planner can waste moves and never break safety.

pub(super) mod ask;
mod cycle;
mod desk;
mod fleet;
mod handovers;
mod loads;
mod making;
mod moves;
mod publish;
mod reports;
pub(super) mod signal;
mod start;
mod tidying;
mod triggers;
mod upkeep;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use self::{
    ask::{Answer, Round},
    cycle::{Cycle, Sync},
    desk::Desk,
    fleet::Fleet,
    loads::Loads,
    moves::{EchoLooks, Move},
    upkeep::Upkeep,
};
use super::{
    command::Notice, context::Context, event::StreamView, heads::Standbys, timed::Timed,
    watch::Watch,
};
use crate::{
    assignment::placement::PlacementRules,
    env::Time,
    lease::{Delete, Epoch, Lease, LeaseKey, SessionId, WorkerId},
    lineage::Problem,
    stream::SourceErrorKind,
};

/// The planner of one term.
#[derive(Debug)]
pub(in crate::coordinator) struct Planner {
    me: SessionId,
    term: Epoch,
    version: u64,
    round: Round,
    cycle: Cycle,
    /// When the next plan is made, if one is asked for.
    plan_at: Time,
    /// When the next audit is due.
    audit_at: Time,
    fleet: Fleet,
    /// The leases as the last plan saw them.
    rows: BTreeMap<LeaseKey, Lease>,
    /// Who should hold what.
    desired: BTreeMap<LeaseKey, SessionId>,
    moves: BTreeMap<LeaseKey, Move>,
    /// When each lease last started to move between live workers.
    moved_at: BTreeMap<LeaseKey, Time>,
    desks: BTreeMap<WorkerId, Desk>,
    loads: Loads,
    stream: Option<StreamView>,
    sync: Sync,
    /// When the listing of the shards that is under way was asked for.
    listing_since: Option<Time>,
    /// When the rows were read that the next listing has to be newer than.
    read_at: Time,
    shards_at: Time,
    /// Leases whose shard the stream has forgotten, to be ended by an owner.
    orphaned: Vec<LeaseKey>,
    /// Rows nobody needs any more.
    deletable: Vec<Delete>,
    rules: PlacementRules,
    /// Whether this planner has read rules that make sense, or that there are none.
    rules_known: bool,
    /// The version of their document, `Some(None)` if there is none; `None` if it makes no sense.
    rules_seen: Option<Option<u64>>,
    /// Whether the next plan reads the rules anew.
    rules_due: bool,
    upkeep: Upkeep,
    echoes: EchoLooks,
    /// Hash-range holes the last plan saw: healed when seen twice.
    holes: Vec<crate::stream::HashRange>,
    valid: bool,
}

impl Planner {
    /// A planner that starts its term. Those who stood by already go on, if they still can: they
    /// have watched the others.
    pub(in crate::coordinator) fn new(
        me: SessionId,
        term: Epoch,
        first_plan_at: Time,
        standbys: Standbys,
        ctx: &Context,
    ) -> Self {
        Self {
            me,
            term,
            version: 0,
            round: Round::default(),
            cycle: Cycle::Idle,
            plan_at: first_plan_at,
            audit_at: ctx.now + ctx.settings.audit_interval,
            fleet: Fleet::reading(ctx.reads.name().cloned(), standbys),
            rows: BTreeMap::new(),
            desired: BTreeMap::new(),
            moves: BTreeMap::new(),
            moved_at: BTreeMap::new(),
            desks: BTreeMap::new(),
            loads: Loads::default(),
            stream: None,
            sync: Sync::Wanted,
            listing_since: None,
            read_at: Time::ZERO,
            shards_at: Time::NEVER,
            orphaned: Vec::new(),
            deletable: Vec::new(),
            rules: PlacementRules::default(),
            rules_known: false,
            rules_seen: Some(None),
            rules_due: true,
            upkeep: Upkeep::default(),
            echoes: EchoLooks::default(),
            holes: Vec::new(),
            valid: true,
        }
    }

    pub(in crate::coordinator) const fn term(&self) -> Epoch {
        self.term
    }

    /// Whether the planner's own session is valid: it publishes nothing while it is not.
    pub(in crate::coordinator) const fn set_valid(&mut self, valid: bool) {
        self.valid = valid;
    }

    /// The sessions named to follow the planner.
    pub(in crate::coordinator) const fn standbys(&self) -> &Standbys {
        self.fleet.standbys()
    }

    /// Whether a live session that does not leave, other than the planner, is known.
    pub(in crate::coordinator) fn has_successors(&self) -> bool {
        self.fleet.members().any(|row| row.id != self.me)
    }

    /// Whether the standby has seen the document that names it.
    pub(in crate::coordinator) fn standby_knows(&self) -> bool {
        let Some(standby) = &self.fleet.standbys().first else { return false };
        self.desks.get(&standby.worker).is_some_and(|desk| desk.is_echoed_by(standby, &self.fleet))
    }

    /// Every known live session but the planner's.
    pub(in crate::coordinator) fn others(&self) -> Vec<SessionId> {
        let others = self.fleet.members().filter(|row| row.id != self.me);
        others.map(|row| row.id.clone()).collect()
    }

    pub(in crate::coordinator) fn next_wake(&self) -> Time {
        if !self.valid {
            return Time::NEVER;
        }
        let plan = if self.cycle.is_idle() { self.plan_at } else { self.cycle.next_wake() };
        let shards = self.shards_at;
        plan.min(self.audit_at)
            .min(shards)
            .min(self.next_move())
            .min(self.next_publication())
            .min(self.upkeep.next_wake())
            .min(self.loads.next_wake())
    }

    pub(in crate::coordinator) fn on_tick(&mut self, watch: &mut Timed<Watch>, ctx: &mut Context) {
        if !self.valid {
            return;
        }
        if self.shards_at <= ctx.now {
            self.list_shards(ctx);
        }
        self.read_loads_due(ctx);
        if self.audit_at <= ctx.now {
            self.audit_at = ctx.now + ctx.settings.audit_interval;
            if planted!(NoAudit) {
                return;
            }
            self.rules_due = true;
            self.sync = Sync::Wanted;
            self.plan_soon(ctx);
        }
        self.go_on_cycle(ctx);
        self.drive_moves(watch, ctx);
        self.publish_due(ctx);
        self.forget_due(ctx);
    }

    pub(in crate::coordinator) fn on_answer(&mut self, answer: Answer, ctx: &mut Context) {
        match answer {
            Answer::Leases(round, rows) => self.on_plan(round, rows, Self::on_leases, ctx),
            Answer::Sessions(round, rows) => self.on_plan(round, rows, Self::on_sessions, ctx),
            Answer::Rules(round, doc) => {
                self.on_plan(round, doc, |it, doc, ctx| it.on_rules(doc.as_ref(), ctx), ctx);
            }
            Answer::Create(round, key, write) => {
                self.on_plan(round, write, |it, write, ctx| it.on_created(&key, write, ctx), ctx);
            }
            Answer::Start(round, of, doc) => {
                self.on_plan(round, doc, |it, doc, ctx| it.on_start(of, doc.as_ref(), ctx), ctx);
            }
            Answer::PutStart(round, of, write) => {
                self.on_plan(round, write, |it, write, ctx| it.on_start_put(of, write, ctx), ctx);
            }
            Answer::Doc(worker, answer) => self.on_doc(&worker, answer, ctx),
            Answer::PutDocument(worker, version, answer) => {
                self.on_doc_put(&worker, version, answer, ctx);
            }
            Answer::MoveRow(key, order, Ok(row)) => {
                self.on_move_row(&key, order, row.as_ref(), ctx);
            }
            Answer::MoveRow(key, order, Err(_)) => self.look_at_move_later(&key, order, ctx),
            Answer::PutRules(rules, deletes, answer) => {
                self.on_rules_put(rules, deletes, &answer, ctx);
            }
            Answer::Forget(id, answer) => self.on_forgotten(&id, &answer, ctx),
            Answer::DeadDoc(worker, Ok(doc)) => self.on_dead_doc(&worker, doc, ctx),
            Answer::LoadReport(worker, answer) => self.on_load_report(worker, answer),
            Answer::DeadReport(worker, Ok(doc)) => self.on_dead_report(&worker, doc, ctx),
            Answer::DeadDoc(_, Err(_)) | Answer::DeadReport(_, Err(_)) => {}
        }
    }

    /// The shards were listed, or could not be.
    pub(in crate::coordinator) fn on_shards(
        &mut self,
        result: Result<StreamView, SourceErrorKind>,
        ctx: &mut Context,
    ) {
        let Some(asked) = self.listing_since.take() else { return };
        match result {
            // No stream is without shards: what was listed before is believed for longer. By a list
            // that shows nothing every lease would seem to wait for its parents.
            Ok(view) if view.shards.is_empty() => {
                self.shards_at = ctx.now + ctx.settings.watch_interval;
                self.on_no_stream();
                ctx.notify(Notice::Lineage(Problem::NothingListed.to_string()));
            }
            Ok(view) => {
                self.shards_at = ctx.now + ctx.settings.shard_sync_interval;
                self.on_stream(view, asked, ctx);
            }
            Err(kind) => {
                self.shards_at = ctx.now + ctx.settings.watch_interval;
                self.on_no_stream();
                ctx.notify(Notice::StreamTrouble(kind));
            }
        }
        self.go_on_cycle(ctx);
    }

    /// Makes a plan at once, or again if one is being made.
    pub(in crate::coordinator) fn plan_soon(&mut self, ctx: &Context) {
        self.plan_at = self.plan_at.min(ctx.now);
    }

    /// Which sessions hold or should hold leases.
    fn sessions_in_use(&self) -> BTreeSet<&SessionId> {
        let owners = self.rows.values().filter_map(|row| row.owner.as_ref());
        owners.chain(self.desired.values()).collect()
    }
}
