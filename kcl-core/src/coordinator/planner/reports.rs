//! Reading what the workers tell of their loads, before each audit.

use std::time::Duration;

use super::{Planner, ask};
use crate::{
    coordinator::{
        context::Context,
        op::{self, Answered},
        reporting::Reporting,
    },
    env::Time,
    lease::{DeleteDoc, DocName, Document, LoadReport, WorkerId},
};

/// How long before an audit the reports are read that it plans by. What comes later serves the
/// next one.
const BEFORE_AUDIT: Duration = Duration::from_secs(2);

impl Planner {
    /// Reads what the workers tell of their loads, shortly before each audit.
    pub(super) fn read_loads_due(&mut self, ctx: &mut Context) {
        if self.loads.due_at > ctx.now {
            return;
        }
        if !Reporting::is_wanted(ctx) {
            self.loads.due_at = Time::NEVER;
            return;
        }
        if self.rows.is_empty() {
            // It is not known yet who there is.
            self.loads.due_at = ctx.now + Duration::from_secs(1);
            return;
        }
        let interval = ctx.settings.audit_interval;
        let next = self.audit_at - BEFORE_AUDIT.min(interval / 4);
        self.loads.due_at = if next > ctx.now { next } else { next + interval };
        let members: Vec<WorkerId> =
            self.fleet.members().map(|row| row.id.worker.clone()).collect();
        self.loads.keep(&members, &self.rows);
        for worker in members {
            ctx.ask(op::Doc(DocName::report(&worker)), ask::LoadReport(worker));
        }
    }

    /// A worker's report was read. One that cannot be read, or is not there, says nothing.
    pub(super) fn on_load_report(&mut self, worker: WorkerId, answer: Answered<op::Doc>) {
        let found = answer.ok().flatten();
        if let Some(report) = found.and_then(|doc| LoadReport::decode(&doc.body)) {
            self.loads.learn(worker, report);
        }
    }

    /// A worker is gone for good: its report goes, too.
    pub(super) fn forget_report(&self, worker: &WorkerId, ctx: &mut Context) {
        if Reporting::is_wanted(ctx) {
            ctx.ask(op::Doc(DocName::report(worker)), ask::DeadReport(worker.clone()));
        }
    }

    pub(super) fn on_dead_report(
        &self,
        worker: &WorkerId,
        found: Option<Document>,
        ctx: &mut Context,
    ) {
        if let Some(doc) = found.filter(|_| self.fleet.member_of(worker).is_none()) {
            ctx.tell(op::DeleteDoc(DeleteDoc::new(doc.name, doc.version)));
        }
    }
}
