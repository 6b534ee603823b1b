//! Telling whoever looks at the fleet how I am, and how heavy my leases are: one document, apart
//! from checkpoints and beats. Nobody waits for it, and no harm is done if it cannot be written.
//!
//! It is written every minute; at once when a kind of fact changes, though not twice in ten
//! seconds; and after each beat while somebody watches. Where leases are shared out by load, it is
//! looked twice as often whether loads are others than was told.
//!
//! | phase | when | then it is | and there is asked |
//! |---|---|---|---|
//! | waiting | due, the session live | measuring | the worker, for what it knows; once a minute the planner's report |
//! | waiting | a kind of fact has changed | waiting, due at once, or ten seconds after the last look | – |
//! | waiting | a beat was answered while somebody watches | waiting, due at once | – |
//! | measuring | nothing has changed, the loads are much as told less than a minute ago | waiting | – |
//! | measuring | else, and the document's version is known | writing | the document to be put over that version |
//! | measuring | else, and the version is not known | looking | the document |
//! | looking | it is there, or there is none | writing | the document to be put |
//! | looking, writing | answered, or not | waiting | – |
//!
//! Who watches is found out by `watched`, what the planner tells is passed on by `heard`.

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

/// The first report comes so long after the session lives.
const FIRST: Duration = Duration::from_secs(10);
/// A kind of fact that changes again and again is told no more often than that.
const SOONEST: Duration = Duration::from_secs(10);

/// The report of one session.
#[derive(Debug, Default)]
pub(super) struct Reporting {
    /// When it is measured next; `None` before the session lives.
    due_at: Option<Time>,
    /// When it was measured last.
    measured_at: Option<Time>,
    /// Whether there is something to tell, whatever the loads are.
    has_news: bool,
    phase: Phase,
    paper: Paper,
    /// What was told last, and when it was measured.
    told: Option<(WorkerReport, Time)>,
    watched: Watched,
    heard: Heard,
}

#[derive(Debug, Default)]
enum Phase {
    #[default]
    Waiting,
    Measuring,
    Writing(Box<WorkerReport>),
}

/// What the coordinator knows that belongs into the report.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mine<'a> {
    pub(super) session: &'a SessionId,
    /// The number of its last beat, and how late it was sent.
    pub(super) beat: u64,
    pub(super) late: Duration,
}

impl Reporting {
    /// How often it is looked whether there is something to tell.
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

    /// A kind of fact has changed.
    pub(super) fn on_news(&mut self, now: Time) {
        if !tells_news_at_once() {
            return;
        }
        let soonest = self.measured_at.map_or(now, |at| now.max(at + SOONEST));
        self.be_due(soonest);
    }

    fn be_due(&mut self, at: Time) {
        // Before the session lives there is nothing to write.
        if let Some(due) = &mut self.due_at {
            *due = at.min(*due);
            self.has_news = true;
        }
    }

    /// A beat was answered.
    pub(super) fn on_beat(&mut self, now: Time) {
        if self.watched.is_watched(now) && tells_who_watches() {
            self.be_due(now);
        }
    }

    /// Somebody woke this worker: perhaps whoever watches.
    pub(super) fn on_woken(&mut self, ctx: &mut Context) {
        self.watched.look(ctx);
    }

    /// What the worker knows was measured.
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

    /// The store answered.
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

/// Whether what begins or ceases to fail is told at once.
fn tells_news_at_once() -> bool {
    !planted!(NewsWaitForTheMinute)
}

/// Whether each beat is followed by a report while somebody watches.
fn tells_who_watches() -> bool {
    !planted!(WatchersWaitForTheMinute)
}

#[cfg(test)]
mod tests;
