//! Telling whoever looks at the fleet what is planned, and why: the report of the planner, and the
//! last moves. Nobody goes by either.
//!
//! Of each of the two documents:
//!
//! | phase | when | then it is | and there is asked |
//! |---|---|---|---|
//! | at rest | a plan was made | at rest, due two seconds later, or five after the last time; at once if this worker leaves | – |
//! | at rest | this worker leaves, and moves are not told yet | at rest, due at once | – |
//! | at rest | due, a minute has passed or something else is to be told (of the moves: only that) | looking or writing | the document, or if its version is known, the document to be put |
//! | looking | it is there, or there is none | writing | the document to be put, with what the planner before had told |
//! | looking, writing | it is of a higher term | quiet | – (the documents of the workers will show it, too) |
//! | looking, writing | answered, or not | at rest | – |

mod desired;
mod journal;
pub(in crate::coordinator) mod request;
mod unread;

use std::time::Duration;

use self::{desired::Shard, journal::Journal, request::Reply, unread::Unread};
use super::{catalogue::Catalogue, loads::Loads, made::Made, plan::Plan};
use crate::{
    coordinator::{
        command::Notice,
        context::Context,
        op::{self, Answered},
        paper::{Paper, Step},
    },
    env::Time,
    lease::{
        DocName, Document, PlanVersion, PutDoc, SessionId, Write,
        report::{self, Moves, PlannerReport},
    },
};

/// Plans that are made one soon after another are told together.
const GATHERED: Duration = Duration::from_secs(2);
/// Nothing is told more often than that.
const SOONEST: Duration = Duration::from_secs(5);

/// What there is to know when it is told.
pub(super) struct Facts<'a> {
    pub(super) me: &'a SessionId,
    /// The newest document of this term.
    pub(super) version: PlanVersion,
    pub(super) catalogue: &'a Catalogue,
    pub(super) plan: &'a Plan,
    pub(super) loads: &'a Loads,
}

/// What is told.
#[derive(Debug)]
pub(super) struct Telling {
    due_at: Time,
    asked_at: Option<Time>,
    /// Nothing is told before the first plan.
    has_plan: bool,
    workers: usize,
    runnable: usize,
    unread: Unread,
    journal: Journal,
    /// What a worker was seen to bear.
    borne: u64,
    report: Paper,
    moves: Paper,
    /// What is to be put, and what was told last, and when that was asked for.
    wanted: Option<PlannerReport>,
    told: Option<(PlannerReport, Time)>,
    /// A planner of a higher term tells.
    is_quiet: bool,
    /// This worker leaves: what waits might never be told.
    is_leaving: bool,
}

impl Default for Telling {
    fn default() -> Self {
        Self {
            due_at: Time::NEVER,
            asked_at: None,
            has_plan: false,
            workers: 0,
            runnable: 0,
            unread: Unread::default(),
            journal: Journal::default(),
            borne: 0,
            report: Paper::default(),
            moves: Paper::default(),
            wanted: None,
            told: None,
            is_quiet: false,
            is_leaving: false,
        }
    }
}

impl Telling {
    pub(super) const fn next_wake(&self) -> Time {
        if self.is_quiet { Time::NEVER } else { self.due_at }
    }

    /// A plan was made.
    pub(super) fn on_plan(&mut self, made: Made, ctx: &Context) {
        let at = ctx.epochs.store_time(ctx.now);
        self.has_plan = true;
        (self.workers, self.runnable) = (made.workers, made.runnable);
        self.unread.replace(made.unassigned, at);
        self.journal.add(made.given, at);
        let soonest = self.asked_at.map_or(ctx.now, |asked| asked + SOONEST);
        let due = if self.is_leaving { ctx.now } else { soonest.max(ctx.now + GATHERED) };
        self.due_at = self.due_at.min(due);
    }

    /// The worker leaves: its successor knows nothing of these moves, so they are told at once.
    /// The leaving does not wait for that.
    pub(super) fn start_leaving(&mut self, now: Time) {
        if tells_before_it_leaves() {
            self.is_leaving = true;
            self.hurry(now);
        }
    }

    /// If moves are left to be told, they are due.
    fn hurry(&mut self, now: Time) {
        if self.is_leaving && self.journal.has_news {
            self.due_at = self.due_at.min(now);
        }
    }

    /// Tells what is due.
    pub(super) fn go_on(&mut self, facts: &Facts<'_>, ctx: &mut Context) {
        if self.is_quiet || !self.has_plan || self.due_at > ctx.now {
            return;
        }
        self.due_at = ctx.now + report::EVERY;
        self.asked_at = Some(ctx.now);
        let report = self.compose(facts, ctx);
        self.tell_ages(&report, ctx);
        let holds = |(told, at): &(PlannerReport, Time)| {
            told.says_the_same(&report) && ctx.now < *at + report::EVERY
        };
        if self.report.is_busy() {
            self.try_soon(false, ctx);
        } else if !self.told.as_ref().is_some_and(holds) {
            match self.report.begin() {
                Step::Look => ctx.ask(op::Doc(DocName::planner_report()), request::LookReport),
                Step::Put(seen) => put_report(seen, &report, ctx),
            }
            self.wanted = Some(report);
        }
        if !self.moves.is_busy() && self.journal.has_news {
            match self.moves.begin() {
                Step::Look => ctx.ask(op::Doc(DocName::moves()), request::LookMoves),
                Step::Put(seen) => self.put_moves(seen, ctx),
            }
        }
    }

    fn put_moves(&mut self, seen: Option<u64>, ctx: &mut Context) {
        self.journal.has_news = false;
        let put = PutDoc::new(DocName::moves(), seen, self.journal.moves().encode());
        ctx.ask(op::PutDoc(put), request::PutMoves);
    }

    /// How old what nobody reads is: for metrics, and once a lease when half of its time is over.
    fn tell_ages(&mut self, report: &PlannerReport, ctx: &mut Context) {
        let oldest = report.unassigned.iter().filter_map(|it| it.oldest_unread).max();
        ctx.notify(Notice::Unread { oldest, retention: report.retention });
        for (key, oldest) in self.unread.newly_old(&report.unassigned, report.retention) {
            let retention = report.retention.unwrap_or_default();
            ctx.notify(Notice::UnreadOld { key, oldest, retention });
        }
    }

    fn compose(&mut self, facts: &Facts<'_>, ctx: &Context) -> PlannerReport {
        let Facts { me, version, catalogue, plan, loads } = facts;
        let now = ctx.epochs.store_time(ctx.now);
        let mut report = PlannerReport::new((*me).clone(), *version);
        report.beat = catalogue.fleet.beat_of(me);
        report.version = Some(env!("CARGO_PKG_VERSION").to_owned());
        report.store_clock = Some(now).filter(|now| now.0 > 0);
        ctx.settings.balance.name().clone_into(&mut report.balance);
        report.limits = ctx.settings.limits;
        report.frozen = catalogue.rules.are_frozen();
        (report.workers, report.runnable) = (self.workers as u64, self.runnable as u64);
        report.retention = catalogue.retention();
        report.unassigned = self.unread.aged(|key| catalogue.rows.get(key), &ctx.settings, now);
        let unassigned = report.unassigned.iter().map(|it| &it.lease);
        let readable = plan.iter().map(|(key, _)| key).chain(unassigned);
        let shards: Vec<Shard<'_>> = readable
            .filter_map(|key| catalogue.rows.get(key))
            .map(|row| Shard {
                worker: row.owner.as_ref().map(|owner| &owner.worker),
                load: loads.fresh(row, ctx.now),
            })
            .collect();
        let (workers, borne) = desired::desired(&shards, self.borne);
        self.borne = borne;
        (report.desired_workers, report.borne) = (workers, Some(borne));
        report
    }

    /// The store answered.
    pub(super) fn on_answer(&mut self, answer: Reply, me: PlanVersion, ctx: &mut Context) {
        match answer {
            Reply::LookReport(found) => self.on_report_found(&found, me, ctx),
            Reply::PutReport(written) => {
                if let Ok(Write::Refused(Some(document))) = &written {
                    self.meet(document, me);
                }
                let is_stored = self.report.put(&written);
                let told = self.wanted.take().zip(self.asked_at);
                self.told = told.filter(|_| is_stored);
                self.try_soon(is_stored, ctx);
            }
            Reply::LookMoves(found) => match self.moves.found(&found) {
                Some(seen) => {
                    let before = found.ok().flatten();
                    let before = before.and_then(|document| Moves::decode(&document.body));
                    self.journal.follow(before.unwrap_or_default());
                    self.put_moves(seen, ctx);
                }
                None => self.try_soon(false, ctx),
            },
            Reply::PutMoves(written) => {
                let is_stored = self.moves.put(&written);
                if is_stored {
                    // A plan may have been made meanwhile.
                    self.hurry(ctx.now);
                }
                self.journal.has_news |= !is_stored;
                self.try_soon(is_stored, ctx);
            }
        }
    }

    fn on_report_found(&mut self, found: &Answered<op::Doc>, me: PlanVersion, ctx: &mut Context) {
        let Some(seen) = self.report.found(found) else { return self.try_soon(false, ctx) };
        if let Ok(Some(document)) = found {
            self.meet(document, me);
        }
        match &self.wanted {
            Some(report) if !self.is_quiet => put_report(seen, report, ctx),
            _ => self.report.leave(),
        }
    }

    /// A report of the planner was met: this one's own, that of the one before, or of one of a
    /// higher term.
    fn meet(&mut self, document: &Document, me: PlanVersion) {
        let Some(before) = PlannerReport::decode(&document.body) else { return };
        self.is_quiet = before.plan.term > me.term;
        self.unread.follow(&before);
        self.borne = self.borne.max(before.borne.unwrap_or(0));
    }

    /// What could not be written is tried again.
    fn try_soon(&mut self, is_stored: bool, ctx: &Context) {
        if !is_stored {
            self.due_at = self.due_at.min(ctx.now + SOONEST);
        }
    }
}

fn put_report(seen: Option<u64>, report: &PlannerReport, ctx: &mut Context) {
    let put = PutDoc::new(DocName::planner_report(), seen, report.encode());
    ctx.ask(op::PutDoc(put), request::PutReport);
}

/// Whether a planner that leaves tells at once which moves it has planned.
fn tells_before_it_leaves() -> bool {
    !planted!(LeaversMovesUntold)
}

#[cfg(test)]
mod tests;
