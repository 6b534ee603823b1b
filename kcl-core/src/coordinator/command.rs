//! The commands that a coordinator returns.

use std::{fmt, time::Duration};

use super::{call::CallId, document::StreamStart, op::StoreCall};
use crate::{
    env::{Time, WallTime},
    lease::{Checkpoint, DocName, EndReason, Epoch, Lease, LeaseKey, SessionId, WorkerId},
    settings::InitialPosition,
    stream::{SourceErrorKind, StreamName},
};

/// One thing that the keeper (or the simulator) has to do.
#[derive(Clone, Debug)]
pub enum Command {
    /// Make this call to the store; hand the outcome back as [`super::Event::Store`].
    Store(CallId, Box<StoreCall>),
    /// Describe this stream; hand the answer back as [`super::Event::Described`]. `None` means the
    /// stream of a source that has not yet said which stream it reads.
    Describe(CallId, Option<StreamName>),
    /// Describe this stream and list its shards; hand them back as [`super::Event::Shards`].
    ListShards(CallId, StreamName),
    /// Measure the facts of the worker's report; hand them back as [`super::Event::Measured`].
    Measure,
    /// Hand an order to the run of a lease.
    Run(RunCommand),
    /// Runs may dispatch before this time, and not at it or after it. It only ever grows.
    ValidUntil(Time),
    /// The store holds this checkpoint of the lease under this epoch, and so every earlier one.
    Stored(LeaseKey, Epoch, Checkpoint),
    /// Tell observers and the listeners of the worker's handle.
    Notify(Notice),
    /// The worker is over. No command follows.
    Finished(Outcome),
}

/// An order to the run of one lease under one epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunCommand {
    /// The lease.
    pub key: LeaseKey,
    /// The epoch under which the run was started.
    pub epoch: Epoch,
    /// The order.
    pub order: RunOrder,
}

/// An order to a run. After `Drain` and `Drop` the run answers with [`super::RunNews::Stopped`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunOrder {
    /// Start to read behind the checkpoint of this row, and to dispatch.
    Start(Box<Lease>),
    /// Dispatch no new batch; let the running one finish.
    Drain {
        /// When the run drops the batch, and whatever the processor does after it, at the latest.
        until: Time,
    },
    /// Dispatch no new batch and drop the running one: the lease is lost or given up.
    Drop(DropReason),
    /// Dispatch no new batch and drop the running one, but keep its records: `Resume` delivers them
    /// again first.
    Suspend,
    /// Dispatch again, after `Suspend`.
    Resume,
}

/// Why the coordinator orders a run to drop its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// Another session holds the lease, or may hold it; or the source reads another stream.
    Lost,
    /// The batch did not end in time, and the lease goes to another worker.
    TimedOut,
    /// The grace of a worker that leaves is over.
    Leaving,
}

/// An event for observers: the worker's handle, metrics and logs turn it into theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The session is registered, and its id is its own.
    Registered(SessionId),
    /// The session holds this lease from now on, under this epoch.
    Gained(LeaseKey, Epoch),
    /// The session no longer holds this lease.
    Lost(LeaseKey, Epoch, LossReason),
    /// Every record of the shard was processed, and the row of the lease says so.
    Ended(LeaseKey, Epoch),
    /// Another session ended this one.
    Fenced(SessionId, EndReason),
    /// No beat was answered in time; runs dispatch nothing until the store answers.
    Lapsed,
    /// A beat was answered after a lapse. The number is that of the leases held, whose rows are
    /// read before their runs go on.
    Revived(usize),
    /// This session ended another one, which did not beat.
    FencedOther(SessionId),
    /// Another live session uses the id of this worker. This session, which the event names, stops.
    DuplicateWorkerId(SessionId),
    /// This session is the planner from now on, in this term.
    Planning(Epoch),
    /// This session is the planner no longer; its term was this.
    StoppedPlanning(Epoch),
    /// The planner published a plan.
    Planned {
        /// How many leases change hands between live workers.
        moves: usize,
        /// The leases that no worker may take, with the reason; the lease with the greatest lag
        /// comes first.
        unassigned: Vec<(LeaseKey, String)>,
        /// How many workers the plan counts on.
        workers: usize,
        /// How many leases there are, including those of ended shards.
        leases: usize,
    },
    /// The planner ordered to take a lease by force, since its live owner did not release it in
    /// time.
    Forced {
        /// The lease.
        key: LeaseKey,
        /// The owner.
        from: SessionId,
        /// Whether the owner never confirmed the order to give the lease away: then two workers may
        /// process it for a moment.
        overlap: bool,
    },
    /// The source could not describe the stream or list its shards.
    StreamTrouble(SourceErrorKind),
    /// The stream was deleted and made again.
    StreamRemade,
    /// The store went back in time, or lost this session's row: leases may have gone back, too.
    StoreWentBack,
    /// No lease reads or will read a part of the hash-key space, which the text names: its records
    /// are not read.
    Hole(String),
    /// The lease rows do not fit the shards that the stream lists.
    Lineage(String),
    /// The placement rules cannot be decoded. The rules that were read before stay in force; if
    /// there are none, no lease of a live worker moves.
    BadRules(String),
    /// More shards inherit a rule from deleted leases than the document `inherited` holds. So the
    /// rows of ended leases are kept.
    InheritanceFull(String),
    /// The processor of this lease makes no progress; the worker releases the lease for another.
    Stalled(LeaseKey, Epoch),
    /// A live session holds a lease that this session should take, and it is not the owner that the
    /// plan names.
    Conflict(LeaseKey, SessionId),
    /// The application reads another stream than this worker; the worker finds out whether the
    /// other stream has a live reader.
    StreamDiffers {
        /// The stream that the store names; `None` if it names none.
        reads: Option<StreamName>,
        /// The stream that this worker reads.
        wanted: StreamName,
    },
    /// The plan gives this worker a lease of another stream, or of another life of its stream. The
    /// worker does not take it.
    NotOfMyStream(LeaseKey),
    /// The application began to read the stream elsewhere than this worker's settings say; the
    /// frozen start holds.
    StartDiffers {
        /// The frozen start, and the setting that it came from.
        start: StreamStart,
        /// The start in this worker's settings.
        wanted: InitialPosition,
    },
    /// The application is closed while a command rewrites its rows; the worker waits. The text
    /// names the command.
    Closed(String),
    /// The application is open again; the worker joins.
    Reopened,
    /// A document cannot be decoded by this version. It does not count as absent: the part that
    /// needs it waits. The text is the reason.
    Unreadable(DocName, String),
    /// The age of the oldest unread record among the leases that no worker may take.
    Unread {
        /// An upper bound of the age; `None` if it is not known, or if there is no such lease.
        oldest: Option<Duration>,
        /// How long the stream keeps records; `None` if it is not known.
        retention: Option<Duration>,
    },
    /// The oldest unread record of a lease that no worker may take has reached half of the
    /// retention.
    UnreadOld {
        /// The lease.
        key: LeaseKey,
        /// An upper bound of the record's age.
        oldest: Duration,
        /// How long the stream keeps records.
        retention: Duration,
    },
    /// How many workers the measured load needs, as the planner's report says.
    Wanted {
        /// The number; `None` if it is not known.
        workers: Option<u64>,
    },
    /// A worker's document has no space left for this many leases, which no other worker can take:
    /// they stay without a worker.
    DocumentFull(DocName, usize),
}

/// Why the session lost a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LossReason {
    /// The session released it for another worker.
    HandedOver,
    /// Its row names another owner or epoch, or may do so since the store went back in time.
    Taken,
    /// The session was ended, or gave way to another one of its id.
    Fenced,
    /// Its row does not exist.
    Gone,
    /// The worker leaves: it released the lease, or ended its session.
    Leaving,
}

impl LossReason {
    /// The reason as logs name it.
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

/// Why a worker is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It left because it was asked to.
    Left,
    /// Another live session uses the id of this worker.
    Duplicate(WorkerId),
    /// The application reads another stream, which has a live reader.
    OtherStream {
        /// The stream that the application reads; `None` if its live readers name none.
        reads: Option<StreamName>,
        /// The stream that this worker should read.
        wanted: StreamName,
    },
    /// The start in the settings is later than the stream's own clock.
    StartAhead {
        /// The start in the settings.
        at: WallTime,
        /// The stream's clock.
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
