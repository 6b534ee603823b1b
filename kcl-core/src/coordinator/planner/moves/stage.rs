//! How far a lease has got on its way, and when somebody looks.

use std::time::Duration;

use crate::{
    coordinator::context::Context,
    env::Time,
    lease::{Epoch, PlanVersion, SessionId},
};

/// Where wake-ups are pushed, the first look for an echo comes after this part of a fast poll: by
/// then a worker has been woken, has read its document and has beaten. Each pause is twice the one
/// before.
const EAGER: u32 = 8;

/// When the sessions are looked at whose echo is awaited.
#[derive(Debug)]
pub(super) struct AckPolls {
    pub(super) at: Time,
    pause: Duration,
}

impl Default for AckPolls {
    fn default() -> Self {
        Self { at: Time::NEVER, pause: Duration::ZERO }
    }
}

impl AckPolls {
    /// Whether it is time, and if so or at the beginning, when the next one is.
    pub(super) fn are_due(&mut self, ctx: &Context) -> bool {
        let slow = ctx.settings.fast_poll;
        if self.at == Time::NEVER {
            self.pause = if ctx.pushes { slow / EAGER } else { slow };
            self.at = ctx.now + self.pause;
            return false;
        }
        let due = self.at <= ctx.now;
        if due {
            self.pause = (self.pause * 2).min(slow);
            self.at = ctx.now + self.pause;
        }
        due
    }
}

/// A lease on its way.
#[derive(Clone, Debug)]
pub(in crate::coordinator::planner) struct Move {
    pub(in crate::coordinator::planner) from: SessionId,
    pub(in crate::coordinator::planner) epoch: Epoch,
    pub(in crate::coordinator::planner) to: SessionId,
    pub(in crate::coordinator::planner) stage: Stage,
}

/// What a move waits to be said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Echo {
    /// By whom.
    pub(super) session: SessionId,
    /// That it saw this version of its document; `None`: the one that is wanted for it.
    pub(super) version: Option<PlanVersion>,
}

impl Move {
    /// What has to be said for the move to go on.
    pub(super) fn awaited(&self) -> Option<Echo> {
        match &self.stage {
            Stage::Announced => Some(Echo { session: self.to.clone(), version: None }),
            Stage::Ordered { published: version @ Some(_), seen_at: None, .. } => {
                Some(Echo { session: self.from.clone(), version: *version })
            }
            Stage::Ordered { .. } | Stage::Forced => None,
        }
    }
}

/// How far a move has got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::coordinator::planner) enum Stage {
    /// The new owner is told; the old one goes on.
    Announced,
    /// The old owner is told to release.
    Ordered {
        /// As what the order was published. Until then there is nothing to look at.
        published: Option<PlanVersion>,
        /// When it was known that the old owner had seen it.
        seen_at: Option<Time>,
        /// When the row is looked at: it should have moved by then.
        look_at: Time,
    },
    /// The new owner is told to take it by force.
    Forced,
}

impl Stage {
    /// The first: the new owner is told before the old one.
    pub(super) fn first() -> Self {
        if planted!(MovesNotStaged) { Self::ordered() } else { Self::Announced }
    }

    pub(super) const fn ordered() -> Self {
        Self::Ordered { published: None, seen_at: None, look_at: Time::NEVER }
    }

    /// When somebody looks at the row.
    pub(super) const fn look_at(&self) -> Time {
        match self {
            Self::Ordered { look_at, .. } => *look_at,
            Self::Announced | Self::Forced => Time::NEVER,
        }
    }
}
