//! The report of this worker: one document with its state and the loads of its leases, for `kcl
//! doctor`, the dashboard, and plans by load. No part waits for it, and a report that cannot be
//! written does no harm.
//!
//! When it is written:
//!
//! - every minute;
//! - at once when a kind of fact changes, but at most once in ten seconds;
//! - after each answered beat, while somebody watches the fleet (`watched.rs`).
//!
//! Where leases are shared out by load, the worker measures twice a minute, and writes if the loads
//! have changed. `heard.rs` reads the planner's report, for the number of workers that the load
//! needs.
//!
//! | phase | when | then it is | request to the worker or the store |
//! |---|---|---|---|
//! | waiting | due, and the session is live | measuring | measure the facts; once a minute read the planner's report |
//! | waiting | a kind of fact has changed | waiting, due at once, or ten seconds after the last measurement | – |
//! | waiting | a beat was answered while somebody watches | waiting, due at once | – |
//! | measuring | no fact has changed, and the loads are about those of a report of the last minute | waiting | – |
//! | measuring | else, and the document's version is known | writing | put the document over that version |
//! | measuring | else, and the version is not known | reading | read the document |
//! | reading | it was read, or does not exist | writing | put the document |
//! | reading, writing | answered, or failed | waiting | – |
//!
//! Only the planner decides anything by a report: it may share out leases by the loads in it.

mod heard;
pub(super) mod request;
mod watched;

use std::time::Duration;

use self::{heard::Heard, request::Reply, watched::Watched};
use super::{
    command::Command,
    context::Context,
    op,
    paper::{Paper, Step},
};
use crate::{
    assignment::Balance,
    env::Time,
    lease::{
        DocName, PutDoc, SessionId,
        report::{self, WorkerReport},
    },
};

/// How long after the session is live the first report is due.
const FIRST: Duration = Duration::from_secs(10);
/// The least time between two reports because of changed facts.
const SOONEST: Duration = Duration::from_secs(10);

/// The reporting of one session: see the module.
#[derive(Debug, Default)]
pub(super) struct Reporting {
    /// When the facts are measured next; `None` while the session is not live.
    due_at: Option<Time>,
    /// When they were measured last.
    measured_at: Option<Time>,
    /// Whether a report is to be written even if the loads have not changed.
    has_news: bool,
    phase: Phase,
    paper: Paper,
    /// The report that the store is known to hold, and when it was measured.
    told: Option<(WorkerReport, Time)>,
    watched: Watched,
    heard: Heard,
}

/// The phase of a report. Reading the document's version is part of `Writing`.
#[derive(Debug, Default)]
enum Phase {
    /// Waits until a report is due.
    #[default]
    Waiting,
    /// The worker measures the facts.
    Measuring,
    /// This report is being written; the document's version may have to be read first.
    Writing(Box<WorkerReport>),
}

/// The facts of a report that only the coordinator knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mine<'a> {
    pub(super) session: &'a SessionId,
    /// The number of its last beat.
    pub(super) beat: u64,
    /// How late that beat was sent.
    pub(super) late: Duration,
}

impl Reporting {
    /// How often the facts are measured: twice as often where leases are shared out by load.
    fn interval(ctx: &Context) -> Duration {
        match ctx.settings.balance {
            Balance::Weighted(_) => report::EVERY / 2,
            _ => report::EVERY,
        }
    }

    pub(super) fn next_wake(&self) -> Time {
        let due = match self.phase {
            Phase::Waiting => self.due_at.unwrap_or(Time::NEVER),
            _ => Time::NEVER,
        };
        due.min(self.watched.next_wake())
    }

    /// Starts a measurement that is due. Nothing is reported before the session is live.
    pub(super) fn on_tick(&mut self, live: bool, ctx: &mut Context) {
        if !live {
            self.due_at = None;
            return;
        }
        let due = *self.due_at.get_or_insert(ctx.now + FIRST);
        if matches!(self.phase, Phase::Waiting) && due <= ctx.now {
            self.phase = Phase::Measuring;
            self.due_at = Some(ctx.now + Self::interval(ctx));
            self.measured_at = Some(ctx.now);
            ctx.push(Command::Measure);
            if self.heard.is_due(ctx.now, report::EVERY) {
                ctx.ask(op::Doc(DocName::planner_report()), request::Planner);
            }
        }
        self.watched.on_tick(ctx);
    }

    /// A kind of fact has changed: measures soon.
    pub(super) fn on_news(&mut self, now: Time) {
        if !tells_news_at_once() {
            return;
        }
        let soonest = self.measured_at.map_or(now, |at| now.max(at + SOONEST));
        self.be_due(soonest);
    }

    /// Makes a report due at `at`, even if the loads have not changed.
    fn be_due(&mut self, at: Time) {
        // A session that is not live writes no report.
        if let Some(due) = &mut self.due_at {
            *due = at.min(*due);
            self.has_news = true;
        }
    }

    /// A beat was answered: if somebody watches, a report is due.
    pub(super) fn on_beat(&mut self, now: Time) {
        if self.watched.is_watched(now) && tells_who_watches() {
            self.be_due(now);
        }
    }

    /// A wake-up came: it may mean that somebody watches.
    pub(super) fn on_woken(&mut self, ctx: &mut Context) {
        self.watched.look(ctx);
    }

    /// The facts were measured. Writes them, if they are worth it.
    pub(super) fn on_measured(
        &mut self,
        mut report: Box<WorkerReport>,
        mine: Mine<'_>,
        ctx: &mut Context,
    ) {
        if !matches!(self.phase, Phase::Measuring) {
            return;
        }
        let measured_at = self.measured_at.unwrap_or(ctx.now);
        let holds = |(told, at): &(WorkerReport, Time)| {
            measured_at < *at + report::EVERY && told.weighs_much_like(&report)
        };
        let had_news = std::mem::take(&mut self.has_news);
        if !had_news && self.told.as_ref().is_some_and(holds) {
            self.phase = Phase::Waiting;
            return;
        }
        report.incarnation = Some(mine.session.incarnation);
        report.beat = mine.beat;
        report.late = Some(mine.late);
        report.store_clock = Some(ctx.epochs.store_time(ctx.now)).filter(|at| at.0 > 0);
        let name = DocName::report(&mine.session.worker);
        match self.paper.begin() {
            Step::Look => ctx.ask(op::Doc(name), request::Look),
            Step::Put(seen) => {
                ctx.ask(op::PutDoc(PutDoc::new(name, seen, report.encode())), request::Put);
            }
        }
        self.phase = Phase::Writing(report);
    }

    /// The store answered a request.
    pub(super) fn on_answer(&mut self, answer: Reply, me: &SessionId, ctx: &mut Context) {
        match answer {
            Reply::Look(found) => {
                let seen = self.paper.found(&found);
                match (&self.phase, seen) {
                    (Phase::Writing(report), Some(seen)) => {
                        let name = DocName::report(&me.worker);
                        let put = PutDoc::new(name, seen, report.encode());
                        ctx.ask(op::PutDoc(put), request::Put);
                    }
                    _ => self.phase = Phase::Waiting,
                }
            }
            Reply::Put(written) => {
                let phase = std::mem::take(&mut self.phase);
                let is_stored = self.paper.put(&written);
                self.told = match phase {
                    Phase::Writing(report) if is_stored => {
                        self.measured_at.map(|measured_at| (*report, measured_at))
                    }
                    _ => None,
                };
            }
            Reply::Watch(found) => {
                if self.watched.on_found(found, ctx) {
                    self.be_due(ctx.now);
                }
            }
            Reply::Planner(found) => self.heard.on_found(found, ctx),
        }
    }
}

/// Whether a shard that begins or ceases to fail is reported at once.
fn tells_news_at_once() -> bool {
    !planted!(NewsWaitForTheMinute)
}

/// Whether each answered beat is followed by a report while somebody watches.
fn tells_who_watches() -> bool {
    !planted!(WatchersWaitForTheMinute)
}

#[cfg(test)]
mod tests;
