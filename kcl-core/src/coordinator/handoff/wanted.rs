//! A lease this session should hold and does not.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    coordinator::{
        context::Context,
        document::{Origin, Transfer},
    },
    env::Time,
    lease::{Epoch, SessionId},
};

/// How long an expected release is looked for at the fast pace, before the pace halves.
const FAST_FOR: Duration = Duration::from_secs(3);

/// Who wants the lease here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The plan.
    Planned,
    /// This session, which ended the shard's parents. Given up at the first refusal.
    Child,
    /// This session, which ended the shard before the store went back in time. Given up likewise.
    Repair,
    /// A former life of this worker, by the document it left behind: taken back only from that
    /// life, and else left to the plan.
    Kept,
}

/// A lease this session should hold and does not.
#[derive(Debug)]
pub(super) struct WantedLease {
    /// How the planner saw the row.
    pub(super) from: Option<Origin>,
    pub(super) cause: Cause,
    /// When the row is looked at next; `NEVER` while a call is under way.
    pub(super) try_at: Time,
    pub(super) since: Time,
    /// The owner and epoch that were reported as unexpected.
    pub(super) conflict: Option<(SessionId, Epoch)>,
    /// The owner whose session is being asked for.
    pub(super) asked: Option<SessionId>,
    /// Whether the planner's word on the row has been acted upon.
    pub(super) tried: bool,
    /// It was told that the lease is not of my stream.
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

    /// A child whose parents have ended, as its row was just put.
    pub(super) fn child(now: Time) -> Self {
        let from = Origin { owner: None, epoch: Epoch::NONE, how: Transfer::Unowned };
        Self { cause: Cause::Child, ..Self::new(Some(from), now) }
    }

    /// A shard that ended here, whose end the store may have lost.
    pub(super) fn repair(now: Time) -> Self {
        Self { cause: Cause::Repair, ..Self::new(None, now) }
    }

    /// A lease that the document of a former life names.
    pub(super) fn kept(now: Time) -> Self {
        Self { cause: Cause::Kept, ..Self::new(None, now) }
    }

    /// Whether the plan wants the lease here, and not this session alone.
    pub(super) fn is_planned(&self) -> bool {
        self.cause == Cause::Planned
    }

    /// The planner's newer word on the row.
    pub(super) fn update(&mut self, from: Option<Origin>, now: Time) {
        if self.from != from {
            *self = Self { try_at: self.try_at.min(now), ..Self::new(from, now) };
        }
    }

    /// Whether the owner has been or will be told to give the lease to this session.
    fn expects_a_release(&self) -> bool {
        self.from.as_ref().is_some_and(|from| from.how == Transfer::AwaitRelease)
            && !planted!(SuccessorPollsSlowly)
    }

    /// How soon an expected release is looked for again.
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

/// Which sessions were asked for lately, so that many leases of one owner ask once.
#[derive(Debug, Default)]
pub(super) struct OwnerChecks(BTreeMap<SessionId, Time>);

impl OwnerChecks {
    pub(super) fn is_due(&mut self, owner: &SessionId, now: Time, every: Duration) -> bool {
        let due = self.0.get(owner).is_none_or(|at| now >= *at + every);
        if due {
            self.0.insert(owner.clone(), now);
        }
        due
    }
}
