//! What the planner tells that workers pass on.

use crate::{
    coordinator::{
        command::Notice,
        context::Context,
        op::{self, Answered},
    },
    env::Time,
    lease::report::{PlannerReport, STALE_AFTER},
};

/// What was heard of the planner.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// When it was asked for last.
    asked_at: Option<Time>,
    /// The version that was met last, and when first.
    seen: Option<(u64, Time)>,
}

impl Heard {
    /// Whether what the planner tells is to be asked for; it is taken for asked then.
    pub(super) fn is_due(&mut self, now: Time, every: std::time::Duration) -> bool {
        let due = self.asked_at.is_none_or(|at| now >= at + every);
        if due {
            self.asked_at = Some(now);
        }
        due
    }

    /// What the planner tells was read. What is old, or is not there, is unknown.
    pub(super) fn on_found(&mut self, answer: Answered<op::Doc>, ctx: &mut Context) {
        let Ok(found) = answer else { return };
        let report = found.and_then(|document| {
            let seen = self.seen.filter(|(version, _)| *version == document.version);
            let (_, since) = *self.seen.insert(seen.unwrap_or((document.version, ctx.now)));
            let report = PlannerReport::decode(&document.body)?;
            let clock = ctx.epochs.store_time(ctx.now);
            let told = report.store_clock.map_or(clock.0, |told| told.0);
            let age = std::time::Duration::from_millis(clock.0.saturating_sub(told));
            (age.max(ctx.now.since(since)) <= STALE_AFTER).then_some(report)
        });
        ctx.notify(Notice::Wanted { workers: report.and_then(|report| report.desired_workers) });
    }
}
