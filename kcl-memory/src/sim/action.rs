//! What can happen to a fleet.

use std::time::Duration;

/// Something that happens to a fleet. Numbers are taken modulo what there is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// A worker starts under the next unused id.
    Join,
    /// A worker starts under the id of this one, whatever that one does.
    JoinAs(usize),
    /// A worker's process ends at once, without a word.
    Crash(usize),
    /// A worker's process stands still, as under SIGSTOP; its clock goes on.
    Pause(usize, Duration),
    /// A worker is asked to leave, as by SIGTERM.
    Leave(usize),
    /// The worker that plans crashes.
    CrashPlanner,
    /// The worker that plans stands still.
    PausePlanner(Duration),
    /// The worker that plans is asked to leave.
    LeavePlanner,
    /// Planner and standby crash at once.
    CrashPlannerAndStandby,
    /// A shard is split in the middle.
    Split(usize),
    /// A shard is merged with its neighbour.
    Merge(usize),
    /// No request of a worker reaches the store.
    CutRequests(usize, Duration),
    /// No answer of the store reaches a worker, though its requests are applied.
    CutReplies(usize, Duration),
    /// The store answers nobody and applies nothing.
    Outage(Duration),
    /// Every call takes this much longer.
    Slow(Duration, Duration),
    /// A worker's processor takes this long for a batch that it is given within the second span.
    SlowProcessor(usize, Duration, Duration),
    /// The same, and the processor cannot be interrupted.
    HungProcessor(usize, Duration, Duration),
    /// The store loses the writes of this much time, and says so.
    RollBack(Duration),
    /// The stream forgets the shards that have ended.
    Trim,
}

impl Action {
    /// How long the action itself lasts.
    #[must_use]
    pub const fn lasts(&self) -> Duration {
        match self {
            Self::Pause(_, span)
            | Self::PausePlanner(span)
            | Self::CutRequests(_, span)
            | Self::CutReplies(_, span)
            | Self::Outage(span)
            | Self::Slow(span, _) => *span,
            Self::SlowProcessor(_, takes, span) | Self::HungProcessor(_, takes, span) => {
                span.saturating_add(*takes)
            }
            _ => Duration::ZERO,
        }
    }

    /// Whether runs with this action may see two workers dispatch one shard at once: what
    /// ARCHITECTURE §9 excepts.
    #[must_use]
    pub const fn may_overlap(&self) -> bool {
        matches!(
            self,
            Self::Pause(..)
                | Self::PausePlanner(_)
                | Self::RollBack(_)
                | Self::JoinAs(_)
                | Self::HungProcessor(..)
        )
    }
}
