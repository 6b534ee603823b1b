//! What this worker learns from the planner's report: how many workers the measured load needs.

use crate::{
    coordinator::{
        command::Notice,
        context::Context,
        op::{self, Answered},
    },
    env::Time,
    lease::report::{PlannerReport, STALE_AFTER},
};

/// The state of reading the planner's report.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// When it was last asked for.
    asked_at: Option<Time>,
    /// The last version that was read, and when that version was first read.
    seen: Option<(u64, Time)>,
}

impl Heard {
    /// Whether the planner's report is to be read; it counts as asked for then.
    pub(super) fn is_due(&mut self, now: Time, every: std::time::Duration) -> bool {
        let due = self.asked_at.is_none_or(|at| now >= at + every);
        if due {
            self.asked_at = Some(now);
        }
        due
    }

    /// The planner's report was read. The number is unknown if there is no report, or one older
    /// than [`STALE_AFTER`] by the store's time or by this worker's.
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
