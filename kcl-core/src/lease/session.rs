//! The row of a session.

use std::{fmt, time::Duration};

use super::{Epoch, SessionId, Zone};
use crate::stream::StreamName;

/// The row of a session: one life of a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Session {
    /// Worker and incarnation.
    pub id: SessionId,
    /// Orders the sessions of one worker id: at registration, one more than the highest in the
    /// list.
    pub start: u64,
    /// The session timeout T. If the beat stays unchanged for this long, the planner or a standby
    /// may end the session. Whole milliseconds.
    pub timeout: Duration,
    /// The heartbeat interval h that the worker tries to keep. Whole milliseconds.
    pub interval: Duration,
    /// The most leases that the worker takes; 0 means no limit.
    pub capacity: u32,
    /// The stream that the worker reads; `None` in rows of releases that do not name it.
    pub stream: Option<StreamName>,
    /// The zone from the worker's settings; `None` if it is not set.
    pub zone: Option<Zone>,
    /// The number of the last beat.
    pub beat: u64,
    /// Live, leaving or ended.
    pub state: SessionState,
    /// Counts wake-ups: [`super::rules::wake`] raises it, and the answer to each beat shows it to
    /// the session.
    pub mailbox: u64,
    /// The report of the last beat.
    pub report: Report,
}

impl Session {
    /// A new session without a beat, a limit of leases, a stream or a zone.
    #[must_use]
    pub const fn new(id: SessionId, start: u64, timeout: Duration, interval: Duration) -> Self {
        Self {
            id,
            start,
            timeout,
            interval,
            capacity: 0,
            stream: None,
            zone: None,
            beat: 0,
            state: SessionState::Live,
            mailbox: 0,
            report: Report::NOTHING,
        }
    }

    /// Sets the stream.
    #[must_use]
    pub fn reading(mut self, stream: StreamName) -> Self {
        self.stream = Some(stream);
        self
    }

    /// Sets the zone.
    #[must_use]
    pub fn in_zone(mut self, zone: Option<Zone>) -> Self {
        self.zone = zone;
        self
    }

    /// True if the session's worker may read `stream`: the row names that stream, or none.
    #[must_use]
    pub fn may_read(&self, stream: Option<&StreamName>) -> bool {
        self.stream.is_none() || self.stream.as_ref() == stream
    }

    /// True if the session has ended. The end is final.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        matches!(self.state, SessionState::Ended(_))
    }

    /// Orders the sessions of one worker id: the higher one is newer.
    #[must_use]
    pub const fn seniority(&self) -> (u64, u128) {
        (self.start, self.id.incarnation.bits())
    }
}

/// The state of a session. It goes forward only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionState {
    /// The session beats and takes leases.
    Live,
    /// The session beats, and releases its leases in order to leave.
    Leaving,
    /// The session has ended.
    Ended(EndReason),
}

/// The reason for which a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndReason {
    /// The session ended itself.
    Left,
    /// A newer session of the same worker id took its place.
    Replaced,
    /// The session did not beat for its session timeout, and the planner or a standby ended it.
    Fenced,
}

impl SessionState {
    /// The state as the text that stores keep.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "LIVE",
            Self::Leaving => "LEAVING",
            Self::Ended(EndReason::Left) => "LEFT",
            Self::Ended(EndReason::Replaced) => "REPLACED",
            Self::Ended(EndReason::Fenced) => "FENCED",
        }
    }

    /// Reads a text of [`Self::as_str`]; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "LIVE" => Self::Live,
            "LEAVING" => Self::Leaving,
            "LEFT" => Self::Ended(EndReason::Left),
            "REPLACED" => Self::Ended(EndReason::Replaced),
            "FENCED" => Self::Ended(EndReason::Fenced),
            _ => return None,
        })
    }
}

impl fmt::Display for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The part of a session's row that each beat writes. It is small, because it is written in every
/// heartbeat interval. [`super::report::WorkerReport`] is the large report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The version of the newest assignment document that the session has read. The session has
    /// stopped new dispatch of the leases that the document revokes.
    pub seen: PlanVersion,
    /// Counts the changes of lease rows that no plan ordered: acquired children, ended shards. A
    /// new value makes the planner list the leases again.
    pub changes: u64,
    /// Counts the leases that an unexpected live owner holds. A new value makes the planner audit
    /// at once.
    pub conflicts: u64,
    /// For a planner or standby: the milliseconds between its last read of all sessions and this
    /// beat. The other one reads in the opposite phase.
    pub watched: u32,
}

impl Report {
    /// The report of a new session.
    pub const NOTHING: Self =
        Self { seen: PlanVersion::NONE, changes: 0, conflicts: 0, watched: 0 };
}

/// The version of a plan. Plans are ordered by the planner's term, then by its count.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct PlanVersion {
    /// The planner's term: the epoch of its lease.
    #[serde(rename = "t")]
    pub term: Epoch,
    /// Counts the publications within the term.
    #[serde(rename = "v")]
    pub version: u64,
}

impl PlanVersion {
    /// The version before any plan.
    pub const NONE: Self = Self { term: Epoch::NONE, version: 0 };
}

impl fmt::Display for PlanVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.term, self.version)
    }
}
