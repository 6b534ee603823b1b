//! A lease that this session should hold and does not hold yet.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    coordinator::{
        context::Context,
        document::{Origin, Transfer},
    },
    env::Time,
    lease::{Epoch, SessionId},
};

/// How long an expected release is polled at the fast pace; after that at half of it.
const FAST_FOR: Duration = Duration::from_secs(3);

/// The reason why the lease is wanted. It decides how long the lease stays wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The plan.
    Planned,
    /// This session, which ended the shard's parents. A refusal ends it.
    Child,
    /// This session, which ended the shard before the store went back in time. A live owner ends
    /// it.
    Repair,
    /// A former life of this worker, whose document names the lease. This session takes it from
    /// that life only; else it is left to the plan.
    Kept,
}

/// A lease that this session should hold and does not hold yet.
#[derive(Debug)]
pub(super) struct WantedLease {
    /// The row as the planner saw it; `None` if no planner says.
    pub(super) from: Option<Origin>,
    pub(super) cause: Cause,
    /// When the lease is pursued next; `NEVER` while a call is under way.
    pub(super) try_at: Time,
    /// Since when the lease is wanted with the present `from`.
    pub(super) since: Time,
    /// The owner and epoch that were reported as a conflict.
    pub(super) conflict: Option<(SessionId, Epoch)>,
    /// The owner whose session is being read.
    pub(super) asked: Option<SessionId>,
    /// Whether this session has acted on `from`: it acquires once without a read.
    pub(super) tried: bool,
    /// Whether it was reported that the lease belongs to another stream.
    pub(super) passed_over: bool,
}

impl WantedLease {
    pub(super) const fn new(from: Option<Origin>, now: Time) -> Self {
        Self {
            from,
            cause: Cause::Planned,
            try_at: now,
            since: now,
            conflict: None,
            asked: None,
            tried: false,
            passed_over: false,
        }
    }

    /// The child of ended parents, whose row was put a moment ago: it is acquired without a read.
    pub(super) fn child(now: Time) -> Self {
        let from = Origin { owner: None, epoch: Epoch::NONE, how: Transfer::Unowned };
        Self { cause: Cause::Child, ..Self::new(Some(from), now) }
    }

    /// A shard that ended here, and whose end the store may have lost.
    pub(super) fn repair(now: Time) -> Self {
        Self { cause: Cause::Repair, ..Self::new(None, now) }
    }

    /// A lease that the document of a former life names.
    pub(super) fn kept(now: Time) -> Self {
        Self { cause: Cause::Kept, ..Self::new(None, now) }
    }

    /// Whether the plan names the lease for this session; else only this session wants it.
    pub(super) fn is_planned(&self) -> bool {
        self.cause == Cause::Planned
    }

    /// Takes over a newer view of the row from the planner.
    pub(super) fn update(&mut self, from: Option<Origin>, now: Time) {
        if self.from != from {
            *self = Self { try_at: self.try_at.min(now), ..Self::new(from, now) };
        }
    }

    /// Whether the planner has ordered the owner to release the lease for this session, or will do
    /// so next.
    fn expects_a_release(&self) -> bool {
        self.from.as_ref().is_some_and(|from| from.how == Transfer::AwaitRelease)
            && !planted!(SuccessorPollsSlowly)
    }

    /// How long until the row is read again.
    pub(super) fn pace(&self, ctx: &Context) -> Duration {
        if !self.expects_a_release() {
            ctx.settings.heartbeat_interval
        } else if ctx.now.since(self.since) < FAST_FOR {
            ctx.settings.fast_poll
        } else {
            ctx.settings.fast_poll * 2
        }
    }
}

/// When each owner's session was last read, so that many leases of one owner cause one read.
#[derive(Debug, Default)]
pub(super) struct OwnerChecks(BTreeMap<SessionId, Time>);

impl OwnerChecks {
    /// Whether the session of `owner` is to be read; it counts as read then.
    pub(super) fn is_due(&mut self, owner: &SessionId, now: Time, every: Duration) -> bool {
        let due = self.0.get(owner).is_none_or(|at| now >= *at + every);
        if due {
            self.0.insert(owner.clone(), now);
        }
        due
    }
}
