//! Planning: what each worker should hold, published as one document per worker.
//!
//! PROTOCOL rules 6, 8, 12 and 14. A plan is intent only: owners take and release leases
//! themselves, so that a stale or doubled planner can waste moves and never break safety.
//!
//! | part | its question |
//! |---|---|
//! | `catalogue` | what is there: leases, sessions, streams, rules? |
//! | `plan`, `made` | who should hold what, and what does that change? |
//! | `children` | what may owners take without waiting for a plan? |
//! | `loads` | how heavy are the leases? |
//! | `moves` | how far has a lease got on its way between live workers? |
//! | `documents`, `publisher` | what is each worker told, and has it heard? |
//! | `janitor` | what does nobody need any more? |
//! | `telling` | what is whoever looks at the fleet told? |
//! | `forecast` | what would be planned? Asked by commands, of rows that they have read |
//!
//! One turn goes from top to bottom: a reading completes, the plan is made, the moves follow it,
//! the documents are published, the rest is tidied. Each step is taken at an event of its own, in a
//! hurry: in a large fleet a step takes a good part of a second, and no beat waits for two.
//!
//! | step | when | then |
//! |---|---|---|
//! | any | a reading is complete | plan |
//! | plan | the next event | tidy: the plan is made, the moves follow it, the documents are published |
//! | tidy | the next event | none: what nobody needs is deleted |
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

/// Whether everything is read again now and then, whatever has happened.
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

/// The planner of one term.
#[derive(Debug)]
pub(in crate::coordinator) struct Planner {
    catalogue: Catalogue,
    plan: Plan,
    children: Children,
    loads: Loads,
    moves: Moves,
    publisher: Publisher,
    janitor: Janitor,
    telling: Telling,
    turn: Turn,
    /// When the next audit is due: everything is then read again, whatever has happened.
    audit_at: Time,
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

    /// The sessions named to follow the planner.
    pub(in crate::coordinator) const fn standbys(&self) -> &Standbys {
        self.catalogue.fleet.standbys()
    }

    /// Whether a live session that does not leave, other than the planner, is known.
    pub(in crate::coordinator) fn has_successors(&self) -> bool {
        self.catalogue.fleet.members().any(|row| row.id != *self.me())
    }

    /// Whether the standby has seen the document that names it.
    pub(in crate::coordinator) fn standby_knows(&self) -> bool {
        let standby = self.standbys().first.as_ref();
        standby.is_some_and(|id| self.publisher.is_echoed_by(id, &self.catalogue.fleet))
    }

    /// Every known live session but the planner's.
    pub(in crate::coordinator) fn others(&self) -> Vec<SessionId> {
        let others = self.catalogue.fleet.members().filter(|row| row.id != *self.me());
        others.map(|row| row.id.clone()).collect()
    }

    /// While its session is not valid, a planner does nothing.
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

    /// The shards of a stream were listed, or could not be.
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

    /// Takes the step of the turn that is due.
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

    /// Somebody woke this worker.
    pub(in crate::coordinator) fn on_woken(&mut self, ctx: &mut Context) {
        self.catalogue.on_woken(ctx);
    }

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

    /// Tells what is due of the plan.
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

    fn go_on(&mut self, next: moves::Next, ctx: &mut Context) {
        match next {
            moves::Next::Nothing => {}
            moves::Next::Publish => self.publish(ctx),
            moves::Next::Plan => self.plan_soon(ctx),
        }
    }

    /// Makes every worker's document say what the plan and the moves now mean.
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

    /// The worker leaves: it plans for that at once, and tells at once what it plans.
    pub(in crate::coordinator) fn start_leaving(&mut self, ctx: &Context) {
        self.telling.start_leaving(ctx.now);
        self.plan_soon(ctx);
    }

    /// Makes a plan at once, or again if one is being made.
    fn plan_soon(&mut self, ctx: &Context) {
        self.catalogue.plan_soon(ctx);
    }

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

    /// A session was seen.
    pub(in crate::coordinator) fn on_seen(&mut self, row: &Session, ctx: &mut Context) {
        self.catalogue.on_seen(row, ctx);
        if self.publisher.term().is_over_by(row.report.seen.term) {
            sometimes!(Outranked);
            // It has seen the document of a newer planner.
            ctx.signal(Signal::Outranked);
        } else if self.publisher.is_echo_of_lost(row.report.seen) {
            self.rewrite_all(ctx);
        }
    }

    /// The planner's own session, which is seen at every event. Nothing is to be learnt of it until
    /// it has news, or the planner has forgotten what it saw.
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

    /// The store may have lost its last writes: what was published, the rules, and even the ends of
    /// sessions.
    pub(in crate::coordinator) fn on_store_went_back(&mut self, ctx: &Context) {
        self.catalogue.on_store_went_back();
        if catalogue::a_plan_dies_with_its_store() {
            self.turn.give_up();
        }
        self.rewrite_all(ctx);
    }

    fn rewrite_all(&mut self, ctx: &Context) {
        self.publisher.forget_stored();
        self.read_all_again(ctx);
    }
}
