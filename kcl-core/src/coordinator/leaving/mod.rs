//! Going as asked: make before break.
//!
//! PROTOCOL rule 14. The session says that it leaves and goes on reading until the plan has
//! found a successor for each lease; the planner's own lease goes last. No peer ever waits for the
//! session timeout.
//!
//! | phase | when | then | it does |
//! |---|---|---|---|
//! | staying | asked to leave | handing over | reads the sessions, again every watch interval |
//! | handing over | nobody stays to hand over to | draining | lets every run finish its batch |
//! | both | nothing is held, and I plan | stepping down | gives the planner's lease back |
//! | both | nothing is held, and I do not plan | gone | ends the session |
//! | stepping down | the planner's lease is free | gone | ends the session |
//! | all of them | the grace is out | the same | drops every batch |
//! | all of them | a moment later | gone | ends the session |
//! | gone | a moment later | – | waits for nothing any more |

use std::time::Duration;

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
#[derive(Debug)]
pub(super) struct Leaving {
    phase: Phase,
    /// When every batch is dropped; then, twice, when waiting ends.
    deadline: Time,
    dropped: bool,
    /// When the sessions are read next: the others may be leaving too.
    list_at: Time,
    /// Whether nobody lives to hand over to, once that is known.
    alone: Option<bool>,
    /// Since when only the standby's word is missing.
    waiting_since: Option<Time>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Staying,
    HandingOver,
    Draining,
    SteppingDown,
    Gone,
}

/// What the leaving has to know of the other parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) now: Time,
    /// Whether the session is registered and not over.
    pub(super) is_live: bool,
    /// Whether a lease is held, or is on its way here or back.
    pub(super) holds_any: bool,
    /// What the planner says, if this session plans.
    pub(super) planner: Option<PlannerFacts>,
    pub(super) watch_interval: Duration,
    pub(super) heartbeat_interval: Duration,
}

/// What a planner that leaves knows of its successors.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlannerFacts {
    /// The standby has seen the document that names it.
    pub(super) standby_knows: bool,
    /// Somebody lives who stays.
    pub(super) has_successors: bool,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Read all sessions.
    List,
    /// Let every run finish its batch.
    DrainAll,
    /// Drop every batch; what was processed is still flushed.
    DropAll,
    /// Give the planner's lease back.
    StepDown,
    /// End the session.
    EndSession,
    /// Wait for nothing any more.
    Finish,
}

impl Default for Leaving {
    fn default() -> Self {
        Self {
            phase: Phase::Staying,
            deadline: Time::NEVER,
            dropped: false,
            list_at: Time::NEVER,
            alone: None,
            waiting_since: None,
        }
    }
}

impl Leaving {
    pub(super) fn is_under_way(&self) -> bool {
        self.phase != Phase::Staying
    }

    pub(super) fn next_wake(&self) -> Time {
        self.deadline.min(self.list_at)
    }

    /// The worker is asked to leave, and given this long. A session that is not live holds nothing
    /// and is ended at once.
    pub(super) fn start(&mut self, now: Time, grace: Duration) {
        self.phase = Phase::HandingOver;
        self.deadline = now + grace;
        self.list_at = now;
    }

    /// All sessions were read. Only a consistent listing counts: who joined since an older view is
    /// somebody, too.
    pub(super) fn on_listed(
        &mut self,
        how: Consistency,
        rows: &[Session],
        me: &SessionId,
        reads: Option<&StreamName>,
    ) {
        if self.is_under_way() && how == Consistency::Strong {
            let stays = |row: &Session| {
                row.id != *me && row.state == SessionState::Live && row.may_read(reads)
            };
            self.alone = Some(!rows.iter().any(stays));
        }
    }

    /// What can be done now; then the next, until there is nothing.
    pub(super) fn next(&mut self, facts: Facts) -> Option<Next> {
        let now = facts.now;
        if self.deadline <= now {
            return self.on_grace_out(facts);
        }
        if self.phase == Phase::Gone || !facts.is_live {
            return None;
        }
        if self.list_at <= now {
            self.list_at = now + facts.watch_interval;
            return Some(Next::List);
        }
        if self.alone == Some(true) && self.phase == Phase::HandingOver {
            sometimes!(LeftAlone);
            self.phase = Phase::Draining;
            return Some(Next::DrainAll);
        }
        match self.alone {
            Some(alone) if !facts.holds_any => self.leave_the_plan(alone, facts),
            _ => None,
        }
    }

    /// Nothing is held any more: what is left is the planner's lease, and the session.
    fn leave_the_plan(&mut self, alone: bool, facts: Facts) -> Option<Next> {
        let Some(planner) = facts.planner else { return self.go() };
        if self.phase == Phase::SteppingDown {
            return None;
        }
        let waited = *self.waiting_since.get_or_insert(facts.now);
        let patience = facts.heartbeat_interval * 2;
        let hopeless = alone || !planner.has_successors;
        if planner.standby_knows || hopeless || facts.now >= waited + patience {
            sometimes!(PlannerSteppedDown);
            self.phase = Phase::SteppingDown;
            return Some(Next::StepDown);
        }
        None
    }

    /// Grace is out: every batch is dropped and what was processed is flushed, then the session is
    /// ended, then nothing is waited for any more.
    fn on_grace_out(&mut self, facts: Facts) -> Option<Next> {
        let drops = !self.dropped && facts.is_live;
        if self.phase == Phase::Gone && !drops {
            return Some(Next::Finish);
        }
        self.deadline = facts.now + LAST_MOMENT;
        if drops {
            sometimes!(GraceOut);
            self.dropped = true;
            return Some(Next::DropAll);
        }
        self.go()
    }

    /// The session is to be ended, if it has not been.
    pub(super) fn go(&mut self) -> Option<Next> {
        let stays = self.phase != Phase::Gone;
        self.phase = Phase::Gone;
        self.list_at = Time::NEVER;
        stays.then_some(Next::EndSession)
    }
}

#[cfg(test)]
mod tests;
