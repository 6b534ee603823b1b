//! The two documents in which the planner reports: `@report` (the plan and its reasons) and
//! `@moves` (the last moves). They are for `kcl doctor`, the dashboard and metrics; no part of the
//! protocol depends on them.
//!
//! For each of the two documents:
//!
//! | phase | when | then it is | request to the store |
//! |---|---|---|---|
//! | at rest | a plan was made | at rest, due two seconds later, or five after the last time; at once if this worker leaves | – |
//! | at rest | this worker leaves, and moves are not written yet | at rest, due at once | – |
//! | at rest | due, and a minute has passed or something has changed (for the moves: only if there are new ones) | reading or writing | read the document; if its version is known, put it |
//! | reading | it was read, or does not exist | writing | put the document, with the content of earlier planners |
//! | reading, writing | the stored report is of a higher term | quiet | – (the workers' documents will end the planner) |
//! | reading, writing | answered, or failed | at rest | – |

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

/// Plans that follow one another so soon are reported together.
const GATHERED: Duration = Duration::from_secs(2);
/// The least time between two reports.
const SOONEST: Duration = Duration::from_secs(5);

/// The sources of the report.
pub(super) struct Facts<'a> {
    pub(super) me: &'a SessionId,
    /// The version of the newest assignment document of this term.
    pub(super) version: PlanVersion,
    pub(super) catalogue: &'a Catalogue,
    pub(super) plan: &'a Plan,
    pub(super) loads: &'a Loads,
}

/// The reports of one planner: see the module.
#[derive(Debug)]
pub(super) struct Telling {
    /// When the documents are due next.
    due_at: Time,
    /// When they were last due.
    asked_at: Option<Time>,
    /// Whether a plan was made: nothing is reported before the first.
    has_plan: bool,
    /// The number of workers that the last plan counts on.
    workers: usize,
    /// The number of leases that may be read, by the last plan.
    runnable: usize,
    /// The leases that no worker may take.
    unread: Unread,
    /// The moves for `@moves`.
    journal: Journal,
    /// The measured capacity of one worker, in thousandths of a shard that is busy all the time.
    borne: u64,
    /// The state of the document `@report`.
    report: Paper,
    /// The state of the document `@moves`.
    moves: Paper,
    /// The report that is being put.
    wanted: Option<PlannerReport>,
    /// The report that the store is known to hold, and when it was put.
    told: Option<(PlannerReport, Time)>,
    /// Whether the stored report is of a higher term: then nothing is written any more.
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

    /// A plan was made: its outcome is due to be reported.
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

    /// Writes the documents that are due.
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

    /// Puts the moves; those of plans that are made meanwhile follow with the next put.
    fn put_moves(&mut self, seen: Option<u64>, ctx: &mut Context) {
        self.journal.has_news = false;
        let put = PutDoc::new(DocName::moves(), seen, self.journal.moves().encode());
        ctx.ask(op::PutDoc(put), request::PutMoves);
    }

    /// Reports the age of the oldest record that no worker reads, for metrics; and, once for each
    /// lease, that half of the retention is over.
    fn tell_ages(&mut self, report: &PlannerReport, ctx: &mut Context) {
        let oldest = report.unassigned.iter().filter_map(|it| it.oldest_unread).max();
        ctx.notify(Notice::Unread { oldest, retention: report.retention });
        for (key, oldest) in self.unread.newly_old(&report.unassigned, report.retention) {
            let retention = report.retention.unwrap_or_default();
            ctx.notify(Notice::UnreadOld { key, oldest, retention });
        }
    }

    /// The report, as things are now.
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

    /// The stored report was read, for its version and for the facts of an earlier planner.
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

    /// A stored report was read: this planner's own, an earlier planner's, or one of a higher term.
    /// Takes over since when leases have been without a worker.
    fn meet(&mut self, document: &Document, me: PlanVersion) {
        let Some(before) = PlannerReport::decode(&document.body) else { return };
        self.is_quiet = before.plan.term > me.term;
        self.unread.follow(&before);
        self.borne = self.borne.max(before.borne.unwrap_or(0));
    }

    /// Tries again soon, if the document is not stored.
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
