//! The stages of a move, and the times at which the planner reads sessions for their echoes.

use std::time::Duration;

use crate::{
    coordinator::context::Context,
    env::Time,
    lease::{Epoch, PlanVersion, SessionId},
};

/// Where wake-ups are pushed, the first read for an echo comes after this part of `fast_poll`: by
/// then the woken worker has read its document and has beaten. Each pause is twice the one before,
/// up to `fast_poll`.
const EAGER: u32 = 8;

/// When the sessions are read whose echo is awaited.
#[derive(Debug)]
pub(super) struct AckPolls {
    /// The next time; [`Time::NEVER`] while no echo is awaited.
    pub(super) at: Time,
    pause: Duration,
}

impl Default for AckPolls {
    fn default() -> Self {
        Self { at: Time::NEVER, pause: Duration::ZERO }
    }
}

impl AckPolls {
    /// Whether it is time. Starts the pauses at the first call; sets the next time if this one has
    /// come.
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

/// A move of a lease.
#[derive(Clone, Debug)]
pub(in crate::coordinator::planner) struct Move {
    /// The old owner.
    pub(in crate::coordinator::planner) from: SessionId,
    /// The epoch of the row under the old owner.
    pub(in crate::coordinator::planner) epoch: Epoch,
    /// The new owner.
    pub(in crate::coordinator::planner) to: SessionId,
    pub(in crate::coordinator::planner) stage: Stage,
}

/// An echo that a move waits for: a session confirms a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Echo {
    /// The session.
    pub(super) session: SessionId,
    /// The version of the document. `None` means the document that the session should have now.
    pub(super) version: Option<PlanVersion>,
}

impl Move {
    /// The echo that the move waits for, if it waits for one.
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

/// The stage of a move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::coordinator::planner) enum Stage {
    /// The new owner's document names the lease; the old owner goes on.
    Announced,
    /// The old owner's document gives the lease away.
    Ordered {
        /// The version of that document; `None` until it is stored.
        published: Option<PlanVersion>,
        /// When the planner saw the old owner's echo; `None` before that.
        seen_at: Option<Time>,
        /// When the row is read to see whether the lease was released.
        look_at: Time,
    },
    /// The new owner's document orders it to take the lease by force.
    Forced,
}

impl Stage {
    /// The first stage: the new owner knows of the move before the old one.
    pub(super) fn first() -> Self {
        if planted!(MovesNotStaged) { Self::ordered() } else { Self::Announced }
    }

    /// The second stage, before the old owner's document is stored.
    pub(super) const fn ordered() -> Self {
        Self::Ordered { published: None, seen_at: None, look_at: Time::NEVER }
    }

    /// When the row is read, if it is to be.
    pub(super) const fn look_at(&self) -> Time {
        match self {
            Self::Ordered { look_at, .. } => *look_at,
            Self::Announced | Self::Forced => Time::NEVER,
        }
    }
}
