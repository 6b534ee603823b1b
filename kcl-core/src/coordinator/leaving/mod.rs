//! The order of steps of a worker that leaves: make before break (PROTOCOL rule 14).
//!
//! The session says in its beats that it leaves, and goes on reading until the plan has named a
//! successor for each lease. It releases the planner's lease last, and then ends its session. So no
//! other session has to wait for the session timeout.
//!
//! [`Leaving`] only decides which step is next ([`Next`]); `hear.rs` carries it out.
//!
//! | phase | when | then | step |
//! |---|---|---|---|
//! | staying | the worker is asked to leave | handing over | read the sessions, again every watch interval |
//! | handing over | no other session stays | draining | let every run finish its batch |
//! | both | nothing is held, and this session is the planner | stepping down | release the planner's lease |
//! | both | nothing is held, and this session is not the planner | gone | end the session |
//! | stepping down | the planner's lease is released | gone | end the session |
//! | all of them | the grace is over | the same | drop every batch |
//! | all of them | a second later | gone | end the session |
//! | gone | a second later | – | finish, whatever is not answered |

use std::time::Duration;

use crate::{
    env::Time,
    lease::{Session, SessionId, SessionState},
    store::Consistency,
    stream::StreamName,
};

/// How long a worker waits once its grace is over: for batches to be dropped and their checkpoints
/// to be stored, and then as long again for the end of its session.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// The state of leaving.
#[derive(Debug)]
pub(super) struct Leaving {
    phase: Phase,
    /// When the grace is over; then, twice, when the worker stops to wait.
    deadline: Time,
    /// Whether every batch was dropped because the grace is over.
    dropped: bool,
    /// When the sessions are read next: other workers may be leaving, too.
    list_at: Time,
    /// Whether no other session stays to take the leases; `None` until the sessions were listed.
    alone: Option<bool>,
    /// Since when this planner waits only for the standby to confirm its document.
    waiting_since: Option<Time>,
}

/// The phases of leaving, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// The worker was not asked to leave.
    Staying,
    /// The session reads on until each lease has a successor.
    HandingOver,
    /// No other worker stays: every run finishes its batch.
    Draining,
    /// The release of the planner's lease was sent.
    SteppingDown,
    /// The end of the session was sent.
    Gone,
}

/// The facts of other parts that the leaving needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) now: Time,
    /// Whether the session is registered and not over.
    pub(super) is_live: bool,
    /// Whether a lease is held, or an acquire or a release is under way.
    pub(super) holds_any: bool,
    /// The facts of the planner; `None` if this session is not the planner.
    pub(super) planner: Option<PlannerFacts>,
    pub(super) watch_interval: Duration,
    pub(super) heartbeat_interval: Duration,
}

/// The facts that a leaving planner knows about its successors.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlannerFacts {
    /// Whether the standby has confirmed the document that names it.
    pub(super) standby_knows: bool,
    /// Whether a live session stays.
    pub(super) has_successors: bool,
}

/// A step of leaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Read all sessions.
    List,
    /// Order every run to finish its batch.
    DrainAll,
    /// Order every run to drop its batch. The releases carry what was processed.
    DropAll,
    /// Release the planner's lease.
    StepDown,
    /// End the session.
    EndSession,
    /// End the worker, whatever is not answered.
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

    /// The worker is asked to leave, and has `grace` to do so.
    pub(super) fn start(&mut self, now: Time, grace: Duration) {
        self.phase = Phase::HandingOver;
        self.deadline = now + grace;
        self.list_at = now;
    }

    /// The sessions were listed. Only a consistent listing counts: an older view may lack a session
    /// that has joined since.
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

    /// The step that can be taken now, if there is one. The caller asks again until there is none.
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

    /// Nothing is held any more: the planner's lease is next, then the session.
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

    /// The grace is over: drops every batch, then ends the session, then ends the worker, with a
    /// [`LAST_MOMENT`] between two steps.
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

    /// Ends the session, unless that was done.
    pub(super) fn go(&mut self) -> Option<Next> {
        let stays = self.phase != Phase::Gone;
        self.phase = Phase::Gone;
        self.list_at = Time::NEVER;
        stays.then_some(Next::EndSession)
    }
}

#[cfg(test)]
mod tests;
