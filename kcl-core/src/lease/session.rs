//! The row of one life of a worker.

use std::{fmt, time::Duration};

use super::{Epoch, SessionId, Zone};
use crate::stream::StreamName;

/// One life of a worker, as its row says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Session {
    /// Worker and incarnation.
    pub id: SessionId,
    /// Orders the lives of one worker: one more than the highest listed at registration.
    pub start: u64,
    /// The session timeout T: unchanged for this long, the session may be ended. Whole
    /// milliseconds.
    pub timeout: Duration,
    /// The heartbeat interval h the worker tries to keep. Whole milliseconds.
    pub interval: Duration,
    /// The most leases the worker takes; zero means no limit.
    pub capacity: u32,
    /// The stream it reads; `None` in rows of workers that did not say.
    pub stream: Option<StreamName>,
    /// Where it runs, if it was told.
    pub zone: Option<Zone>,
    /// The number of the last beat.
    pub beat: u64,
    /// Live, leaving or ended.
    pub state: SessionState,
    /// Raised by [`super::rules::wake`]; the sleeper learns of it in its next beat's reply.
    pub mailbox: u64,
    /// What the last beat said.
    pub report: Report,
}

impl Session {
    /// A session that starts now.
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

    /// The same session, of a worker that reads `stream`.
    #[must_use]
    pub fn reading(mut self, stream: StreamName) -> Self {
        self.stream = Some(stream);
        self
    }

    /// The same session, of a worker in `zone`.
    #[must_use]
    pub fn in_zone(mut self, zone: Option<Zone>) -> Self {
        self.zone = zone;
        self
    }

    /// Whether the session's worker may read the stream of this name: it says so, or nothing.
    #[must_use]
    pub fn may_read(&self, stream: Option<&StreamName>) -> bool {
        self.stream.is_none() || self.stream.as_ref() == stream
    }

    /// Whether the session has ended: that is final.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        matches!(self.state, SessionState::Ended(_))
    }

    /// What orders the lives of one worker: a higher one is newer.
    #[must_use]
    pub const fn seniority(&self) -> (u64, u128) {
        (self.start, self.id.incarnation.bits())
    }
}

/// Where a session is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionState {
    /// It beats and takes leases.
    Live,
    /// It beats, and hands its leases over.
    Leaving,
    /// It is over, for ever.
    Ended(EndReason),
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndReason {
    /// It said so itself.
    Left,
    /// A newer session of the same worker id took its place.
    Replaced,
    /// It did not beat for its session timeout.
    Fenced,
}

impl SessionState {
    /// The state as stores keep it.
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

    /// Reads back what [`Self::as_str`] gave.
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

/// What a beat tells the fleet beside being alive. Small: it is written every interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The newest assignment document the session has seen: new dispatch of what it revokes has
    /// stopped.
    pub seen: PlanVersion,
    /// How often this session changed lease rows in a way no plan foresaw (children acquired,
    /// shards ended). A change of the number makes the planner list the leases again.
    pub changes: u64,
    /// How often this session was refused a lease by a live owner it did not expect. A change of
    /// the number makes the planner audit at once.
    pub conflicts: u64,
    /// For a planner or standby: how many milliseconds before this beat it last read all sessions.
    /// The other keeps to the opposite phase.
    pub watched: u32,
}

impl Report {
    /// The report of a session that has seen and done nothing.
    pub const NOTHING: Self =
        Self { seen: PlanVersion::NONE, changes: 0, conflicts: 0, watched: 0 };
}

/// Orders assignment documents: the planner's term first, then its count of publications.
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
    /// Counts publications within the term.
    #[serde(rename = "v")]
    pub version: u64,
}

impl PlanVersion {
    /// Before any plan.
    pub const NONE: Self = Self { term: Epoch::NONE, version: 0 };
}

impl fmt::Display for PlanVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.term, self.version)
    }
}
