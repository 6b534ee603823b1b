//! The planner: it computes which worker should hold which lease, and publishes one document for
//! each worker. It exists only while this worker holds the lease `@planner`.
//!
//! PROTOCOL rules 6, 8, 12 and 14. A plan is intent only: workers acquire and release leases
//! themselves, and every write is compared with owner and epoch. So an outdated planner, or two at
//! once, can waste moves and break nothing.
//!
//! | part | its question |
//! |---|---|
//! | `catalogue` | which leases, sessions, shards and rules are there? |
//! | `plan`, `made` | which worker should hold which lease, and what does that change? |
//! | `children` | which children may owners take without a plan? |
//! | `loads` | what load have the leases? |
//! | `moves` | at which stage is each move between live workers? |
//! | `documents`, `publisher` | what should each worker's document say, and has the worker confirmed it? |
//! | `janitor` | which rows and documents can be deleted? |
//! | `telling` | what do the planner's report and the list of moves say? |
//! | `forecast` | what would a planner do with these rows? (for commands; nothing is written) |
//!
//! A *turn* goes from top to bottom: a reading of everything completes, the plan is made, the moves
//! follow it, the documents are published, and then useless rows are deleted. Each step is taken at
//! an event of its own, which comes at once: in a large fleet a step takes a good part of a second,
//! and so no beat waits for two steps.
//!
//! | step | when | then |
//! |---|---|---|
//! | any | a reading is complete | plan |
//! | plan | the next event | tidy: the plan was made, the moves follow it, the documents are published |
//! | tidy | the next event | none: useless rows were deleted |
//! | any | a worker has lived long enough for leases to return to it | the same, and a reading begins |
//! | any | the store went back | none |
//! | any | the planner's session is not valid | the same, once it is valid again |

pub(in crate::coordinator) mod catalogue;
mod children;
mod documents;
pub(in crate::coordinator) mod forecast;
pub(in crate::coordinator) mod janitor;
pub(in crate::coordinator) mod loads;
mod made;
pub(in crate::coordinator) mod moves;
mod plan;
pub(in crate::coordinator) mod publisher;
pub(super) mod request;
pub(super) mod signal;
pub(in crate::coordinator) mod telling;
mod term;
mod turn;

/// Whether the planner reads everything again at regular intervals, even if nothing has changed.
fn is_audited() -> bool {
    !planted!(NoAudit)
}

#[cfg(test)]
mod tests;

use self::{
    catalogue::Catalogue,
    children::Children,
    documents::Documents,
    janitor::Janitor,
    loads::Loads,
    moves::Moves,
    plan::Plan,
    publisher::Publisher,
    request::Reply,
    signal::Signal,
    telling::Telling,
    term::Term,
    turn::{Step, Turn},
};
use super::{command::Notice, context::Context, event::StreamView, heads::Standbys, watch::Watch};
use crate::{
    env::Time,
    lease::{Epoch, Report, Session, SessionId},
    stream::{SourceErrorKind, StreamName},
};

/// The planner of one term: see the module.
#[derive(Debug)]
pub(in crate::coordinator) struct Planner {
    /// The leases, sessions, streams and rules.
    catalogue: Catalogue,
    /// Which worker should hold which lease.
    plan: Plan,
    children: Children,
    /// The loads that the workers report.
    loads: Loads,
    /// The moves between live workers.
    moves: Moves,
    /// The documents of the workers.
    publisher: Publisher,
    janitor: Janitor,
    telling: Telling,
    turn: Turn,
    /// When the next audit is due: everything is read again then, even if nothing has changed.
    audit_at: Time,
}

impl Planner {
    /// A planner that starts its term. `standbys` are those of its predecessor: they go on if they
    /// can, since they have watched the others.
    pub(in crate::coordinator) fn new(
        me: SessionId,
        term: Epoch,
        first_plan_at: Time,
        standbys: Standbys,
        ctx: &Context,
    ) -> Self {
        Self {
            catalogue: Catalogue::new(first_plan_at, standbys, ctx),
            plan: Plan::default(),
            children: Children::default(),
            loads: Loads::default(),
            moves: Moves::default(),
            publisher: Publisher::new(Term { planner: me, number: term }),
            janitor: Janitor::default(),
            telling: Telling::default(),
            turn: Turn::default(),
            audit_at: ctx.now + ctx.settings.audit_interval,
        }
    }

    pub(in crate::coordinator) const fn term(&self) -> Epoch {
        self.publisher.term().number
    }

    const fn me(&self) -> &SessionId {
        &self.publisher.term().planner
    }

    /// The two standbys.
    pub(in crate::coordinator) const fn standbys(&self) -> &Standbys {
        self.catalogue.fleet.standbys()
    }

    /// Whether there is a live session besides the planner's that does not leave.
    pub(in crate::coordinator) fn has_successors(&self) -> bool {
        self.catalogue.fleet.members().any(|row| row.id != *self.me())
    }

    /// Whether the first standby has confirmed the document that names it.
    pub(in crate::coordinator) fn standby_knows(&self) -> bool {
        let standby = self.standbys().first.as_ref();
        standby.is_some_and(|id| self.publisher.is_echoed_by(id, &self.catalogue.fleet))
    }

    /// Every known live session but the planner's that does not leave.
    pub(in crate::coordinator) fn others(&self) -> Vec<SessionId> {
        let others = self.catalogue.fleet.members().filter(|row| row.id != *self.me());
        others.map(|row| row.id.clone()).collect()
    }

    /// When the planner has something to do; never while its session is not valid.
    pub(in crate::coordinator) fn next_wake(&self, ctx: &Context) -> Time {
        if !ctx.valid {
            return Time::NEVER;
        }
        if self.turn.is_due() {
            return Time::ZERO;
        }
        self.catalogue
            .next_wake()
            .min(self.audit_at)
            .min(self.plan.next_wake())
            .min(self.moves.next_wake())
            .min(self.publisher.next_wake())
            .min(self.janitor.next_wake())
            .min(self.loads.next_wake())
            .min(self.telling.next_wake())
    }

    /// Does the work that is due in all parts, in the order of the module's table. A planner whose
    /// session is not valid does nothing.
    pub(in crate::coordinator) fn on_tick(&mut self, watch: &mut Watch, ctx: &mut Context) {
        if !ctx.valid {
            return;
        }
        self.take_step(ctx);
        self.catalogue.list_due(ctx);
        self.loads.read_due(&self.catalogue, self.audit_at, ctx);
        if self.audit_at <= ctx.now {
            self.audit_at = ctx.now + ctx.settings.audit_interval;
            if is_audited() {
                self.catalogue.rules.want();
                self.read_all_again(ctx);
            }
        }
        if self.plan.take_return(ctx.now) {
            self.plan_soon(ctx);
        }
        if self.catalogue.go_on(ctx) {
            self.turn.begin();
        }
        let fleet = &self.catalogue.fleet;
        let knows = |id: &SessionId| self.publisher.is_echoed_by(id, fleet);
        let next = self.moves.go_on(knows, fleet, ctx);
        self.go_on(next, ctx);
        let me = &self.publisher.term().planner;
        self.moves.look_for_echoes(me, watch, ctx);
        self.publisher.go_on(&self.catalogue.fleet, ctx);
        self.janitor.forget_due(ctx);
        self.tell(ctx);
        self.turn.wait_for_next_event();
    }

    /// Hands an answer of the store to the part that its request belongs to.
    pub(in crate::coordinator) fn on_answer(&mut self, answer: Reply, ctx: &mut Context) {
        match answer {
            Reply::Catalogue(answer) => {
                if self.catalogue.on_answer(answer, ctx) {
                    self.turn.begin();
                }
            }
            Reply::Moves(answer) => {
                let next = self.moves.on_answer(answer, ctx);
                self.go_on(next, ctx);
            }
            Reply::Publisher(answer) => {
                if let Some(document) = self.publisher.on_answer(answer, ctx) {
                    self.moves.on_published(&document, ctx);
                }
            }
            Reply::Loads(answer) => self.loads.on_answer(answer, ctx),
            Reply::Telling(answer) => {
                let version = self.publisher.newest();
                self.telling.on_answer(answer, version, ctx);
            }
            Reply::Janitor(answer) => {
                let term = self.term();
                let gone = self.janitor.on_answer(answer, term, &mut self.catalogue, ctx);
                if let Some(gone) = gone {
                    self.publisher.remove(&gone);
                }
            }
        }
    }

    /// The shards of a stream were listed, or the listing failed.
    pub(in crate::coordinator) fn on_shards(
        &mut self,
        of: &StreamName,
        result: Result<StreamView, SourceErrorKind>,
        ctx: &mut Context,
    ) {
        if self.catalogue.on_shards(of, result, ctx) {
            self.turn.begin();
        }
    }

    /// Takes the step of the turn that is due, if there is one.
    fn take_step(&mut self, ctx: &mut Context) {
        match self.turn.take_due() {
            None => {}
            Some(Step::Plan) => self.make_plan(ctx),
            Some(Step::Tidy) => {
                self.janitor.note_unused(&self.catalogue, &self.plan, ctx);
                janitor::delete_useless(self.term(), &mut self.catalogue, ctx);
            }
        }
    }

    /// Another session woke this one: the operator may have changed the rules.
    pub(in crate::coordinator) fn on_woken(&mut self, ctx: &mut Context) {
        self.catalogue.on_woken(ctx);
    }

    /// Makes the plan of a complete reading, and publishes it.
    fn make_plan(&mut self, ctx: &mut Context) {
        let made = self.plan.make(&self.catalogue, &self.loads, &self.moves, ctx);
        self.children = Children::by(&self.catalogue);
        let moves = self.moves.follow(self.plan.iter(), &self.catalogue, ctx.now);
        let me = &self.publisher.term().planner;
        self.catalogue.fleet.name_standbys(me);
        let leases = self.catalogue.rows.keys().filter(|key| !key.is_role()).count();
        let (workers, unassigned) = (made.workers, made.unassigned.clone());
        ctx.notify(Notice::Planned { moves, unassigned, workers, leases });
        self.telling.on_plan(made, ctx);
        self.publish(ctx);
    }

    /// Writes the planner's report and the moves, if that is due.
    fn tell(&mut self, ctx: &mut Context) {
        let facts = telling::Facts {
            me: &self.publisher.term().planner,
            version: self.publisher.newest(),
            catalogue: &self.catalogue,
            plan: &self.plan,
            loads: &self.loads,
        };
        self.telling.go_on(&facts, ctx);
    }

    /// Takes the action that the moves ask for.
    fn go_on(&mut self, next: moves::Next, ctx: &mut Context) {
        match next {
            moves::Next::Nothing => {}
            moves::Next::Publish => self.publish(ctx),
            moves::Next::Plan => self.plan_soon(ctx),
        }
    }

    /// Brings every worker's document in line with the plan and the moves.
    fn publish(&mut self, ctx: &mut Context) {
        let documents = Documents {
            term: self.publisher.term(),
            catalogue: &self.catalogue,
            plan: &self.plan,
            moves: &self.moves,
            children: &self.children,
        };
        let documents = documents.all(ctx);
        self.publisher.publish(documents, ctx);
    }

    /// The worker leaves: the planner plans for that at once, and writes its moves at once.
    pub(in crate::coordinator) fn start_leaving(&mut self, ctx: &Context) {
        self.telling.start_leaving(ctx.now);
        self.plan_soon(ctx);
    }

    /// Starts a reading at once, and so a plan; again, if one is under way.
    fn plan_soon(&mut self, ctx: &Context) {
        self.catalogue.plan_soon(ctx);
    }

    /// Starts a reading that lists the shards, too.
    fn read_all_again(&mut self, ctx: &Context) {
        self.catalogue.want_listings();
        self.catalogue.plan_soon(ctx);
    }

    /// All sessions were read.
    pub(in crate::coordinator) fn on_listed(&mut self, rows: &[Session], ctx: &mut Context) {
        for row in rows {
            self.on_seen(row, ctx);
        }
    }

    /// A session's row was read. Its last beat may show a document of a newer planner, or one that
    /// the store has lost.
    pub(in crate::coordinator) fn on_seen(&mut self, row: &Session, ctx: &mut Context) {
        self.catalogue.on_seen(row, ctx);
        if self.publisher.term().is_over_by(row.report.seen.term) {
            sometimes!(Outranked);
            // The session has seen the document of a newer planner.
            ctx.signal(Signal::Outranked);
        } else if self.publisher.is_echo_of_lost(row.report.seen) {
            self.rewrite_all(ctx);
        }
    }

    /// Looks at the planner's own session, which is known at every event. Does nothing unless its
    /// row changed, or the planner has forgotten the rows.
    pub(in crate::coordinator) fn on_own(
        &mut self,
        news: (u64, Report, bool),
        row: impl FnOnce() -> Session,
        ctx: &mut Context,
    ) {
        if self.catalogue.fleet.is_news_of_own(news) {
            self.on_seen(&row(), ctx);
        }
    }

    /// A session has ended.
    pub(in crate::coordinator) fn on_ended(&mut self, id: &SessionId, ctx: &Context) {
        self.catalogue.on_ended(id, ctx);
    }

    /// The store may have lost its last writes: documents, rules, and the ends of sessions.
    pub(in crate::coordinator) fn on_store_went_back(&mut self, ctx: &Context) {
        self.catalogue.on_store_went_back();
        if catalogue::a_plan_dies_with_its_store() {
            self.turn.give_up();
        }
        self.rewrite_all(ctx);
    }

    /// Publishes every document again, and reads everything again.
    fn rewrite_all(&mut self, ctx: &Context) {
        self.publisher.forget_stored();
        self.read_all_again(ctx);
    }
}
