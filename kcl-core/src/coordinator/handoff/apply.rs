//! Follows an assignment document: the leases that it names become wanted, and those that it
//! revokes are drained.

use std::{collections::BTreeSet, time::Duration};

use super::{
    Handoff,
    held::Phase,
    wanted::{Cause, WantedLease},
};
use crate::{
    coordinator::{
        command::{DropReason, RunOrder},
        context::Context,
        document::{Assignment, Revoke},
    },
    lease::{LeaseKey, SessionId},
};

impl Handoff {
    /// Follows a document that is newer than those seen before. When this returns, runs dispatch
    /// nothing new of what it revokes, so the next beat may confirm the document.
    pub(in crate::coordinator) fn apply(&mut self, assignment: Assignment, ctx: &mut Context) {
        let planned: BTreeSet<&LeaseKey> = assignment.holds.iter().map(|hold| &hold.key).collect();
        self.cancel_unplanned(&planned);
        // Leases that this session wants by itself stay wanted.
        self.wanted.retain(|key, wanted| !wanted.is_planned() || planned.contains(key));
        self.want_as_planned(&assignment, ctx);
        let own = ctx.settings.handoff_timeout;
        let within =
            assignment.give_within.map_or(own, |most| own.min(Duration::from_millis(most)));
        for give in &assignment.gives {
            self.give(give, within, ctx);
        }
        self.memory.keep_only(&assignment, self.held.keys());
        self.assignment = Some(assignment);
        self.pursue_due(ctx);
    }

    /// Wants the leases that the document of a former life names. The orders in it do not count for
    /// this session.
    pub(in crate::coordinator) fn take_back(&mut self, former: &Assignment, ctx: &mut Context) {
        for hold in &former.holds {
            if !self.held.contains_key(&hold.key) {
                self.wanted.or_insert_with(&hold.key, || WantedLease::kept(ctx.now));
            }
        }
        self.pursue_due(ctx);
    }

    /// Makes each lease of the document wanted, with its row as the planner saw it.
    fn want_as_planned(&mut self, assignment: &Assignment, ctx: &Context) {
        if self.leaving {
            return;
        }
        for hold in &assignment.holds {
            // A held lease that is being given away is acquired anew once it has been released.
            if self.held.get(&hold.key).is_some_and(|held| !held.is_stopping()) {
                continue;
            }
            let new = || WantedLease::new(hold.from.clone(), ctx.now);
            let wanted = self.wanted.or_insert_with(&hold.key, new);
            wanted.cause = Cause::Planned;
            wanted.update(hold.from.clone(), ctx.now);
        }
    }

    /// Marks acquires of leases that the plan no longer names: a grant starts no run.
    fn cancel_unplanned(&mut self, planned: &BTreeSet<&LeaseKey>) {
        for (key, acquiring) in &mut self.acquiring {
            let own = self.wanted.get(key).is_some_and(|wanted| !wanted.is_planned());
            if !planned.contains(key) && !own {
                acquiring.cancelled = true;
            }
        }
    }

    /// Follows an order to give a lease away.
    fn give(&mut self, give: &Revoke, within: Duration, ctx: &mut Context) {
        if let Some(acquiring) = self.acquiring.get_mut(&give.key) {
            acquiring.cancelled = true;
            acquiring.to.clone_from(&give.to);
        }
        if self.held.contains_key(&give.key) {
            if gives_are_followed() {
                self.start_draining(&give.key, give.to.clone(), within, ctx);
            }
            return;
        }
        // No run here has the lease, yet its row names this session: a write was applied late. A
        // release under way carries a checkpoint, so no second release may overtake it.
        let releasing = self.releases.contains_key(&(give.key.clone(), give.epoch));
        let acquiring = self.acquiring.contains_key(&give.key);
        if !acquiring && !releasing && self.is_new(give) {
            sometimes!(DropOrderFollowed);
            self.release(&give.key, give.epoch, None, give.to.clone(), false, ctx);
            self.memory.note_given(give);
        }
    }

    /// Whether this order to release a row has not been followed yet.
    fn is_new(&self, give: &Revoke) -> bool {
        !self.memory.has_given(give) && !planted!(DropOrderIgnored)
    }

    /// Orders a run to finish its batch; the lease is released once the run has stopped. After
    /// `within` another worker may take the lease by force, so the batch is dropped `clock_guard`
    /// before that.
    pub(in crate::coordinator) fn start_draining(
        &mut self,
        key: &LeaseKey,
        successor: Option<SessionId>,
        within: Duration,
        ctx: &mut Context,
    ) {
        let last = ctx.now + within.saturating_sub(ctx.settings.clock_guard);
        let last = last.min(self.grace_until);
        let Some(held) = self.held.get_mut(key) else { return };
        let epoch = held.epoch();
        match &mut held.phase {
            Phase::Running => {
                held.phase = Phase::Draining { to: successor.clone(), deadline: last };
                ctx.run(key, epoch, RunOrder::Drain { until: last });
                if !is_released_once_stopped() {
                    self.release(key, epoch, None, successor, false, ctx);
                }
            }
            // A suspended run has dropped its batch already.
            Phase::Suspended { .. } => {
                held.phase = Phase::Dropping { to: successor };
                ctx.run(key, epoch, RunOrder::Drop(DropReason::TimedOut));
            }
            Phase::Draining { to, deadline } => {
                *to = successor;
                *deadline = last.min(*deadline);
            }
            Phase::Dropping { to } => *to = successor,
            Phase::Ending(_) => {}
        }
    }

    /// Drops the batch of a drain whose time is over.
    pub(super) fn drop_overdue(&mut self, key: &LeaseKey, ctx: &mut Context) {
        let Some(held) = self.held.get_mut(key) else { return };
        if let Phase::Draining { to, deadline } = &mut held.phase
            && *deadline <= ctx.now
            && overdue_batches_are_dropped()
        {
            sometimes!(BatchDroppedInTime);
            let to = to.take();
            held.phase = Phase::Dropping { to };
            ctx.run(key, held.lease.epoch, RunOrder::Drop(DropReason::TimedOut));
        }
    }
}

/// Whether the session gives away the leases that the plan revokes.
fn gives_are_followed() -> bool {
    !planted!(GiveIgnored)
}

/// Whether a lease is released only once its run has stopped.
fn is_released_once_stopped() -> bool {
    !planted!(ReleasedWhileRunning)
}

/// Whether a batch is dropped once the time of its drain is over.
fn overdue_batches_are_dropped() -> bool {
    !planted!(OverdueBatchKept)
}
