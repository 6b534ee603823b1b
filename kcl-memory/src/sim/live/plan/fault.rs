//! What can go wrong in a run.

use std::{fmt, str::FromStr};

use super::InvalidPlan;

/// Something that goes wrong, or at least happens, while a fleet works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Fault {
    /// A worker's process ends at once, without a word.
    Crash,
    /// A process starts: a worker that was not there joins, one that died or left comes back, and
    /// of one that is up there are two, until the older one is told to stop.
    Start,
    /// A worker is asked to leave, as by SIGTERM.
    Leave,
    /// A worker's process stands still, as under SIGSTOP or in a long garbage collection. It wakes
    /// up in the midst of what it was doing.
    Pause,
    /// A worker's machine is suspended: its clock has moved on when it wakes up, its timers have
    /// not.
    Suspend,
    /// No request of a worker reaches the lease store.
    Cut,
    /// What a worker asks of the lease store is done, but no answer comes back.
    Deafen,
    /// A shard is split.
    Split,
    /// A shard is merged with its neighbour.
    Merge,
    /// The stream drops all but the newest records of a shard before they were read.
    Trim,
    /// The lease store serves nobody.
    StoreDown,
    /// The lease store takes up to seconds for an answer.
    StoreSlow,
    /// The lease store refuses some calls, loses some answers, and writes some things late or
    /// twice.
    StoreErrors,
    /// The stream throttles reads, fails, or takes long.
    StreamErrors,
    /// Some writes to the sink fail: not done, or done and not answered.
    SinkErrors,
    /// The sink takes up to seconds for a write.
    SinkSlow,
    /// Some writes to the sink get no answer for as long as this lasts. Then they are done after
    /// all, or fail.
    SinkHangs,
    /// Some writes to the sink panic.
    SinkPanics,
}

/// What a fault happens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim::live) enum Target {
    Worker,
    Shard,
    Everybody,
}

impl Fault {
    /// Every kind there is.
    pub const ALL: [Self; 18] = [
        Self::Crash,
        Self::Start,
        Self::Leave,
        Self::Pause,
        Self::Suspend,
        Self::Cut,
        Self::Deafen,
        Self::Split,
        Self::Merge,
        Self::Trim,
        Self::StoreDown,
        Self::StoreSlow,
        Self::StoreErrors,
        Self::StreamErrors,
        Self::SinkErrors,
        Self::SinkSlow,
        Self::SinkHangs,
        Self::SinkPanics,
    ];

    /// The name of the fault in a plan's text.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Start => "start",
            Self::Leave => "leave",
            Self::Pause => "pause",
            Self::Suspend => "suspend",
            Self::Cut => "cut",
            Self::Deafen => "deafen",
            Self::Split => "split",
            Self::Merge => "merge",
            Self::Trim => "trim",
            Self::StoreDown => "store-down",
            Self::StoreSlow => "store-slow",
            Self::StoreErrors => "store-errors",
            Self::StreamErrors => "stream-errors",
            Self::SinkErrors => "sink-errors",
            Self::SinkSlow => "sink-slow",
            Self::SinkHangs => "sink-hangs",
            Self::SinkPanics => "sink-panics",
        }
    }

    pub(in crate::sim::live) const fn target(self) -> Target {
        match self {
            Self::Crash
            | Self::Start
            | Self::Leave
            | Self::Pause
            | Self::Suspend
            | Self::Cut
            | Self::Deafen => Target::Worker,
            Self::Split | Self::Merge | Self::Trim => Target::Shard,
            _ => Target::Everybody,
        }
    }

    /// Whether it goes on for a while, or is done at once.
    pub(in crate::sim::live) const fn lasts(self) -> bool {
        !matches!(
            self,
            Self::Crash | Self::Start | Self::Leave | Self::Split | Self::Merge | Self::Trim
        )
    }

    /// Whether it strikes a process in the midst of something, to see what becomes of that.
    pub(in crate::sim::live) const fn interrupts(self) -> bool {
        matches!(self, Self::Crash | Self::Leave | Self::Pause | Self::Suspend)
    }

    /// Whether a fleet takes it in its stride, without delivering a record twice.
    pub(in crate::sim::live) const fn is_planned(self) -> bool {
        matches!(self, Self::Start | Self::Leave | Self::Split | Self::Merge)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Fault {
    type Err = InvalidPlan;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|fault| fault.name() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            InvalidPlan::new(format!("{text:?} is no fault: expected one of {known}"))
        })
    }
}
