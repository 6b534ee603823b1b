//! Going as asked: make before break.
//!
//! ARCHITECTURE §4 rule 14. The session says that it leaves and goes on reading until the plan has
//! found a successor for each lease; the planner's own lease goes last. No peer ever waits for the
//! session timeout.

use std::time::Duration;

use super::{Coordinator, Outcome};
use crate::{
    env::Time,
    lease::{Session, SessionId, SessionState},
    store::Consistency,
    stream::StreamName,
};

/// How long a worker whose grace is out waits for its batches to be dropped and its last
/// checkpoints to be stored, and then for the end of its session to be written.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// How far the leaving has got.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    under_way: bool,
    /// When every batch is dropped; then, twice, when waiting ends.
    deadline: Option<Time>,
    /// When the sessions are read next: the others may be leaving too.
    list_at: Option<Time>,
    /// Whether somebody lives to hand over to, once that is known.
    alone: Option<bool>,
    draining: bool,
    dropped: bool,
    stepping_down: bool,
    /// Since when only the standby's word is missing.
    waiting_since: Option<Time>,
    gone: bool,
}

impl Leaving {
    pub(super) const fn is_under_way(&self) -> bool {
        self.under_way
    }

    pub(super) fn next_wake(&self) -> Time {
        let deadline = self.deadline.unwrap_or(Time::NEVER);
        deadline.min(self.list_at.unwrap_or(Time::NEVER))
    }

    /// All sessions were read.
    pub(super) fn on_listed(
        &mut self,
        rows: &[Session],
        me: &SessionId,
        reads: Option<&StreamName>,
    ) {
        if self.under_way {
            let stays = |row: &Session| {
                row.id != *me && row.state == SessionState::Live && row.may_read(reads)
            };
            self.alone = Some(!rows.iter().any(stays));
        }
    }
}

impl Coordinator {
    pub(super) fn start_leaving(&mut self) {
        if self.leaving.under_way {
            return;
        }
        let now = self.ctx.now;
        self.leaving.under_way = true;
        let grace_until = now + self.ctx.settings.shutdown_grace;
        self.leaving.deadline = Some(grace_until);
        if !self.member.is_live() {
            return self.go();
        }
        self.member.start_leaving(&mut self.ctx);
        self.handoff.start_leaving(grace_until);
        self.succession.start_leaving();
        if let Some(planner) = &mut self.planner {
            planner.plan_soon(&self.ctx);
        } else if let Some(planner) = self.succession.planner().cloned() {
            self.ctx.wake(&planner);
            self.document.poll_at = now + self.ctx.settings.fast_poll;
        }
        self.leaving.list_at = Some(now);
        if planted!(BreaksBeforeMake) {
            self.handoff.drain_all(&mut self.ctx);
        }
        if planted!(PlannerLeavesFirst) {
            self.succession.step_down(&mut self.ctx);
        }
    }

    /// Does whatever the leaving waits for, if it can be done now.
    pub(super) fn go_on_leaving(&mut self) {
        if !self.leaving.under_way || self.over {
            return;
        }
        let now = self.ctx.now;
        if self.leaving.deadline.is_some_and(|at| at <= now) {
            self.on_grace_out();
        }
        if self.leaving.gone || !self.member.is_live() {
            return;
        }
        if self.leaving.list_at.is_some_and(|at| at <= now) {
            self.leaving.list_at = Some(now + self.ctx.settings.watch_interval);
            self.watch.list(Consistency::Strong, &mut self.ctx);
        }
        if self.leaving.alone == Some(true) && !self.leaving.draining {
            sometimes!(LeftAlone);
            self.leaving.draining = true;
            self.handoff.drain_all(&mut self.ctx);
        }
        if self.handoff.is_empty() && self.leaving.alone.is_some() {
            self.leave_the_plan();
        }
    }

    /// Nothing is held any more: what is left is the planner's lease, and the session.
    fn leave_the_plan(&mut self) {
        let Some(planner) = &self.planner else { return self.go() };
        if self.leaving.stepping_down {
            return;
        }
        let waited = *self.leaving.waiting_since.get_or_insert(self.ctx.now);
        let patience = self.ctx.settings.heartbeat_interval * 2;
        let hopeless = self.leaving.alone == Some(true) || !planner.has_successors();
        if planner.standby_knows() || hopeless || self.ctx.now >= waited + patience {
            sometimes!(PlannerSteppedDown);
            self.leaving.stepping_down = true;
            self.succession.step_down(&mut self.ctx);
        }
    }

    /// The planner's lease is free: whoever is to take it is told to look.
    pub(super) fn on_stepped_down(&mut self) {
        if let Some(planner) = &self.planner {
            let standby = planner.standbys().first.clone().filter(|_| planner.standby_knows());
            for id in standby.map_or_else(|| planner.others(), |id| vec![id]) {
                self.ctx.wake(&id);
            }
        }
        self.go();
    }

    /// Grace is out: every batch is dropped and what was processed is flushed, then the session is
    /// ended, then nothing is waited for any more.
    fn on_grace_out(&mut self) {
        let next = self.ctx.now + LAST_MOMENT;
        if !self.leaving.dropped && self.member.is_live() {
            sometimes!(GraceOut);
            self.leaving.dropped = true;
            self.leaving.deadline = Some(next);
            self.handoff.drop_all(&mut self.ctx);
        } else if self.leaving.gone {
            self.finish(Outcome::Left);
        } else {
            self.leaving.deadline = Some(next);
            self.go();
        }
    }

    fn go(&mut self) {
        if !self.leaving.gone {
            self.leaving.gone = true;
            self.leaving.list_at = None;
            self.member.leave(&mut self.ctx);
        }
    }
}
