//! What a coordinator wants done.

use std::{fmt, time::Duration};

use super::{call::CallId, document::StreamStart, op::StoreCall};
use crate::{
    env::{Time, WallTime},
    lease::{Checkpoint, DocName, EndReason, Epoch, Lease, LeaseKey, SessionId, WorkerId},
    settings::InitialPosition,
    stream::{SourceErrorKind, StreamName},
};

/// Something to do.
#[derive(Clone, Debug)]
pub enum Command {
    /// Ask the store; hand the outcome back as [`super::Event::Store`].
    Store(CallId, Box<StoreCall>),
    /// Describe this stream; hand the answer back as [`super::Event::Described`]. Without a name:
    /// the stream of a source that has not said yet which it reads.
    Describe(CallId, Option<StreamName>),
    /// Describe this stream and list its shards; hand them back as [`super::Event::Shards`].
    ListShards(CallId, StreamName),
    /// Measure what the worker's report tells; hand it back as [`super::Event::Measured`].
    Measure,
    /// Direct a run.
    Run(RunCommand),
    /// Runs may dispatch before this time, and not at or after it.
    ValidUntil(Time),
    /// Every checkpoint up to this one is stored.
    Stored(LeaseKey, Epoch, Checkpoint),
    /// Tell whoever listens.
    Notify(Notice),
    /// The worker is over.
    Finished(Outcome),
}

/// A direction to the run of one lease under one epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunCommand {
    /// Which lease.
    pub key: LeaseKey,
    /// Under which epoch.
    pub epoch: Epoch,
    /// What to do.
    pub order: RunOrder,
}

/// What a run is to do. After `Drain` and `Drop` it answers with [`super::RunNews::Stopped`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunOrder {
    /// Start reading and dispatching after the row's checkpoint.
    Start(Box<Lease>),
    /// Dispatch nothing new; finish the batch that runs.
    Drain {
        /// When the batch, and whatever the processor does after it, is dropped at the latest.
        until: Time,
    },
    /// Dispatch nothing new and drop the batch that runs; the lease is lost or given up.
    Drop(DropReason),
    /// Dispatch nothing and drop the batch that runs, but keep its records: they come again first,
    /// should the run be resumed.
    Suspend,
    /// Dispatch again.
    Resume,
}

/// Why a run is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// Somebody else holds the lease, or may.
    Lost,
    /// The batch did not end in time, and the lease moves on.
    TimedOut,
    /// The worker is over.
    Leaving,
}

/// Something worth telling: events of the worker's handle, metrics and logs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// This session is registered.
    Registered(SessionId),
    /// This session holds the lease from now on.
    Gained(LeaseKey, Epoch),
    /// This session holds the lease no longer.
    Lost(LeaseKey, Epoch, LossReason),
    /// The shard is processed to its end, and the store knows.
    Ended(LeaseKey, Epoch),
    /// This session was ended by others.
    Fenced(SessionId, EndReason),
    /// The session could not be kept alive in time; dispatch stops until the store answers.
    Lapsed,
    /// The session is valid again; this many leases go on in place.
    Revived(usize),
    /// This session ended another one that did not beat.
    FencedOther(SessionId),
    /// A newer session of this worker's id took its place.
    DuplicateWorkerId(SessionId),
    /// This session plans from now on, in this term.
    Planning(Epoch),
    /// This session plans no longer.
    StoppedPlanning(Epoch),
    /// A plan was published.
    Planned {
        /// Leases that change hands between live workers.
        moves: usize,
        /// Leases nobody may take, with the reason, worst lag first.
        unassigned: Vec<(LeaseKey, String)>,
        /// How many workers it counts on.
        workers: usize,
        /// How many leases there are, those of shards that have ended among them.
        leases: usize,
    },
    /// A lease was ordered to be taken from a live owner that did not release it in time.
    Forced {
        /// Which lease.
        key: LeaseKey,
        /// From whom.
        from: SessionId,
        /// Whether the owner never said that it saw the order: both may process for a moment.
        overlap: bool,
    },
    /// The stream cannot be listed.
    StreamTrouble(SourceErrorKind),
    /// The stream was deleted and made again.
    StreamRemade,
    /// Leases went back in time, or may have.
    StoreWentBack,
    /// No lease covers a part of the hash-key space although shards for it are listed.
    Hole(String),
    /// What the stream lists and the lease rows do not fit together.
    Lineage(String),
    /// The placement rules make no sense; those read before stay in force. If none were, what a
    /// live worker holds stays where it is.
    BadRules(String),
    /// More shards inherit rules from shards that are gone than a document holds: rows of ended
    /// leases are kept in its place.
    InheritanceFull(String),
    /// The processor of a lease makes no progress; it is handed over.
    Stalled(LeaseKey, Epoch),
    /// A lease was seen held by a live session that was not expected to hold it.
    Conflict(LeaseKey, SessionId),
    /// The application reads another stream; whether somebody still reads that one is found out.
    StreamDiffers {
        /// The one that the store names; `None` if it names none.
        reads: Option<StreamName>,
        /// The one that this worker reads.
        wanted: StreamName,
    },
    /// This worker was given a lease that is not of its stream, or not of its present life. It does
    /// not take it.
    NotOfMyStream(LeaseKey),
    /// Reading of the stream began elsewhere than this worker's settings say; that holds.
    StartDiffers {
        /// Where it began, and by which setting.
        start: StreamStart,
        /// What this worker's settings say.
        wanted: InitialPosition,
    },
    /// The application is closed while its rows are rewritten: the worker waits. Says by whom.
    Closed(String),
    /// The application is open again: the worker joins.
    Reopened,
    /// A document makes no sense to this version. It does not count as never written: who needs it
    /// waits. Says which one, and why.
    Unreadable(DocName, String),
    /// How old the oldest unread record is of what nobody may read, at the most; `None` if that is
    /// not known, or if there is nothing.
    Unread {
        /// The age.
        oldest: Option<Duration>,
        /// For how long the stream keeps records.
        retention: Option<Duration>,
    },
    /// Half of the retention is over for the oldest unread record of a lease that nobody may take.
    UnreadOld {
        /// Which lease.
        key: LeaseKey,
        /// How old that record is at the most.
        oldest: Duration,
        /// For how long the stream keeps records.
        retention: Duration,
    },
    /// How many workers the measured load needs, as the planner tells; `None` if that is not known.
    Wanted {
        /// How many.
        workers: Option<u64>,
    },
    /// A worker's document has no room for so many leases that nobody else can take: they wait for
    /// more workers.
    DocumentFull(DocName, usize),
}

/// Why a lease was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LossReason {
    /// It was handed over.
    HandedOver,
    /// Somebody else holds it.
    Taken,
    /// This session was ended.
    Fenced,
    /// Its row is gone.
    Gone,
    /// The worker leaves.
    Leaving,
}

impl LossReason {
    /// As logs name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HandedOver => "handed over",
            Self::Taken => "taken",
            Self::Fenced => "fenced",
            Self::Gone => "gone",
            Self::Leaving => "leaving",
        }
    }
}

/// How a worker's life ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It left as it was asked to.
    Left,
    /// A newer session of its id took its place, or was there first.
    Duplicate(WorkerId),
    /// The application reads another stream, and who reads it lives.
    OtherStream {
        /// The one it reads; `None` if those who live do not say.
        reads: Option<StreamName>,
        /// The one that this worker was to read.
        wanted: StreamName,
    },
    /// Reading was to start at a time that is still to come.
    StartAhead {
        /// That time.
        at: WallTime,
        /// The stream's own clock.
        now: WallTime,
    },
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Left => f.write_str("left"),
            Self::Duplicate(worker) => write!(f, "another worker uses the id {worker}"),
            Self::OtherStream { reads: Some(reads), wanted } => {
                write!(f, "the application reads the stream {reads}, not {wanted}")
            }
            Self::OtherStream { reads: None, wanted } => {
                write!(f, "others live that do not say whether they read the stream {wanted}")
            }
            Self::StartAhead { at, now } => {
                write!(f, "the start at {at} is ahead of the stream's clock, {now}")
            }
        }
    }
}
