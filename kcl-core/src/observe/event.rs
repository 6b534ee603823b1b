//! The events of a worker, as one enum.

use std::time::Duration;

use crate::{
    coordinator::LossReason,
    env::WallTime,
    lease::{Checkpoint, DocName, EndReason, Epoch, LeaseKey, SessionId, WorkerId},
    settings::InitialPosition,
    stream::{Position, SourceErrorKind, StartAt, StreamKey, StreamName},
};

/// An event of one worker: in the coordination of the fleet, or in the reading of a shard. A new
/// version may add variants, and fields to variants.
///
/// Error fields are texts. They contain no record data, partition keys or secrets, unless an error
/// of the user's processor does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkerEvent {
    /// This worker registered its session: the other workers see it.
    #[non_exhaustive]
    Registered {
        /// The session.
        session: SessionId,
    },
    /// Another worker ended the session of this one, which registers a new session.
    #[non_exhaustive]
    Fenced {
        /// The ended session.
        session: SessionId,
        /// How it was ended.
        reason: EndReason,
    },
    /// This worker ended the session of another worker, which was silent for too long.
    #[non_exhaustive]
    EndedDead {
        /// The ended session.
        session: SessionId,
    },
    /// Another worker uses this worker's id; this worker stops.
    #[non_exhaustive]
    DuplicateWorkerId {
        /// The session of the other worker.
        session: SessionId,
    },
    /// The store has not answered in time. The worker dispatches nothing until it answers.
    Lapsed,
    /// The store answers again. The worker goes on with the leases that it still holds.
    #[non_exhaustive]
    Revived {
        /// How many leases the worker reads again, to see whether it still holds them.
        leases: usize,
    },
    /// An operator's command has closed the application to rewrite its rows. The worker waits.
    #[non_exhaustive]
    Closed {
        /// Who closed the application, and why.
        by: String,
    },
    /// The application is open again. The worker joins.
    Reopened,
    /// The worker was asked to leave. It releases its leases.
    Leaving,
    /// The worker has ended.
    #[non_exhaustive]
    Finished {
        /// How it ended.
        outcome: String,
    },

    /// The worker acquired a lease and reads its shard from now on.
    #[non_exhaustive]
    LeaseGained {
        /// The lease.
        key: LeaseKey,
        /// The new epoch of the lease.
        epoch: Epoch,
    },
    /// The worker begins to release a lease.
    #[non_exhaustive]
    LeaseReleasing {
        /// The lease.
        key: LeaseKey,
        /// The epoch under which the worker holds it.
        epoch: Epoch,
    },
    /// The worker does not hold a lease any more.
    #[non_exhaustive]
    LeaseLost {
        /// The lease.
        key: LeaseKey,
        /// The epoch under which the worker held it.
        epoch: Epoch,
        /// Why.
        reason: LossReason,
    },
    /// The processor of a lease makes no progress. The worker gives the lease to another worker.
    #[non_exhaustive]
    LeaseStalled {
        /// The lease.
        key: LeaseKey,
        /// The epoch under which the worker held it.
        epoch: Epoch,
    },
    /// A live session holds a lease that it was not expected to hold.
    #[non_exhaustive]
    LeaseConflict {
        /// The lease.
        key: LeaseKey,
        /// The session that holds it.
        session: SessionId,
    },
    /// The planner ordered a worker to take a lease from one that did not release it in time.
    #[non_exhaustive]
    LeaseForced {
        /// The lease.
        key: LeaseKey,
        /// The session that loses it.
        from: SessionId,
        /// Whether the former owner never confirmed the order: both may process for a moment.
        overlap: bool,
    },
    /// The worker ignores a lease of another stream, or of another life of its stream.
    #[non_exhaustive]
    NotOfMyStream {
        /// The lease.
        key: LeaseKey,
    },
    /// The store has the end of a shard: the processor acknowledged every record of it.
    #[non_exhaustive]
    ShardEnded {
        /// The lease of the shard.
        key: LeaseKey,
        /// The epoch under which it ended.
        epoch: Epoch,
    },
    /// The store has a new checkpoint of a lease.
    #[non_exhaustive]
    CheckpointStored {
        /// The lease.
        key: LeaseKey,
        /// The epoch of the lease.
        epoch: Epoch,
        /// The new checkpoint.
        checkpoint: Checkpoint,
    },
    /// This worker is the planner from now on.
    #[non_exhaustive]
    PlanningStarted {
        /// The planner's term.
        term: Epoch,
    },
    /// This worker is not the planner any more.
    #[non_exhaustive]
    PlanningStopped {
        /// The term that is over.
        term: Epoch,
    },
    /// This worker, the planner, published a plan.
    #[non_exhaustive]
    Planned {
        /// How many leases move between live workers.
        moves: usize,
        /// How many leases no worker may take: [`Self::Unassignable`] names them.
        unassigned: usize,
        /// How many workers the plan counts on.
        workers: usize,
        /// How many leases there are, including those of ended shards.
        leases: usize,
    },
    /// No worker may take these leases.
    #[non_exhaustive]
    Unassignable {
        /// Each lease with the reason; the lease with the worst lag comes first.
        leases: Vec<(LeaseKey, String)>,
    },
    /// Unread records of a shard that no worker may read reached half of the retention. Sent once.
    #[non_exhaustive]
    UnreadOld {
        /// The lease of the shard.
        key: LeaseKey,
        /// An upper bound of the age of the oldest unread record.
        oldest: Duration,
        /// For how long the stream keeps records.
        retention: Duration,
    },
    /// The age of records that no worker may read. The planner sends it each minute and each plan.
    #[non_exhaustive]
    UnreadAge {
        /// An upper bound of the age of the oldest unread record; `None` if none or unknown.
        oldest: Option<Duration>,
        /// For how long the stream keeps records; `None` if unknown.
        retention: Option<Duration>,
    },
    /// The number of workers that the measured load needs, by the planner. Sent once a minute.
    #[non_exhaustive]
    WorkersWanted {
        /// The number of workers; `None` if it is unknown or the planner's figure is old.
        workers: Option<u64>,
    },
    /// The placement rules in the store are invalid; the rules read before stay in force. Without
    /// former rules each live worker keeps the leases that it holds.
    #[non_exhaustive]
    RulesRefused {
        /// Why the rules are invalid.
        problem: String,
    },
    /// The placement rules that this worker declares are in force now.
    #[non_exhaustive]
    RulesDeclared {
        /// Where the rules come from, such as a file.
        from: String,
        /// How many rules are in force now.
        rules: usize,
    },
    /// The placement rules that this worker declares do not apply; others are in force.
    #[non_exhaustive]
    RulesPassedOver {
        /// Where the rules come from, such as a file.
        from: String,
        /// Why they do not apply, and what the operator can do.
        why: String,
    },
    /// No placement rule names this worker, and some rules name workers that do not run: this one
    /// may run under a wrong id.
    #[non_exhaustive]
    WorkerNotNamed {
        /// The workers that rules name and that do not run.
        absent: Vec<WorkerId>,
        /// The workers that run and that no rule names.
        unnamed: Vec<WorkerId>,
    },
    /// The document of inherited placement rules has no space for more shards. The planner keeps
    /// rows of ended leases instead.
    #[non_exhaustive]
    InheritanceFull {
        /// How many shards there are, and what the operator can do.
        problem: String,
    },
    /// This version cannot decode a document of the store. Nobody treats it as missing: the part
    /// that needs it waits.
    #[non_exhaustive]
    DocumentUnreadable {
        /// The document.
        document: DocName,
        /// Why it cannot be decoded.
        problem: String,
    },
    /// A worker's assignment document has no space for more leases, and no other worker can take
    /// them: they wait for more workers.
    #[non_exhaustive]
    DocumentFull {
        /// The assignment document.
        document: DocName,
        /// How many leases wait.
        leases: usize,
    },
    /// No lease covers a part of the hash-key space although the stream lists shards for it.
    #[non_exhaustive]
    HashRangeHole {
        /// The part that no lease covers.
        range: String,
    },
    /// The listed shards of the stream and the lease rows contradict each other.
    #[non_exhaustive]
    LineageUnclear {
        /// The contradiction, in words.
        problem: String,
    },
    /// The source answered the first read of a shard under an epoch.
    #[non_exhaustive]
    ReadingStarted {
        /// The lease.
        key: LeaseKey,
        /// The epoch of the lease.
        epoch: Epoch,
    },
    /// The source returned the end of a shard; the processor may still have records of it.
    #[non_exhaustive]
    ReadingEnded {
        /// The lease.
        key: LeaseKey,
        /// The epoch of the lease.
        epoch: Epoch,
    },
    /// The worker takes a shard for ended because the source returns no more records and the stream
    /// lists the shard as closed. No answer proved that no record is left: some may be missing.
    #[non_exhaustive]
    EndUnproven {
        /// The lease.
        key: LeaseKey,
        /// The last position that was read; `None` if none was.
        after: Option<Position>,
    },
    /// A read of a shard failed; the worker retries it.
    #[non_exhaustive]
    ReadFailed {
        /// The lease.
        key: LeaseKey,
        /// The kind of failure.
        kind: SourceErrorKind,
        /// The error.
        error: String,
        /// The error of the service or the transport; empty if there is none.
        source: String,
    },
    /// The stream answers and no read brings a record or a new position. The worker reads on, less
    /// and less often. Sent at 10 such calls in a row, at 20, at 40, and so on.
    #[non_exhaustive]
    ReadStandstill {
        /// The lease.
        key: LeaseKey,
        /// How many calls in a row.
        calls: u32,
        /// The answer of the stream, in words.
        why: String,
    },
    /// The stream trimmed records before the worker could read them. They were never delivered.
    #[non_exhaustive]
    RecordsLost {
        /// The lease.
        key: LeaseKey,
        /// The last position that was read; `None` if none was.
        from: Option<Position>,
        /// The first position that the stream still has; `None` if unknown.
        to: Option<Position>,
    },
    /// The processor failed on a batch; the worker delivers it again.
    #[non_exhaustive]
    BatchFailed {
        /// The lease.
        key: LeaseKey,
        /// How often the worker has delivered the batch.
        attempt: u32,
        /// How many records the batch has.
        records: usize,
        /// The processor's error.
        error: String,
    },
    /// The worker skipped a record, as the failure policy or the operator says.
    #[non_exhaustive]
    RecordSkipped {
        /// The lease.
        key: LeaseKey,
        /// The position of the record.
        at: Position,
        /// The processor's last error.
        error: String,
    },
    /// The dead-letter sink failed; the worker tries again before it skips the record.
    #[non_exhaustive]
    DeadLetterFailed {
        /// The lease.
        key: LeaseKey,
        /// The sink's error.
        error: String,
    },
    /// A processor's `start` failed; the worker calls it again.
    #[non_exhaustive]
    ProcessorStartFailed {
        /// The lease.
        key: LeaseKey,
        /// The processor's error.
        error: String,
    },
    /// A processor did not acknowledge the end of its shard; the worker asks again.
    #[non_exhaustive]
    ProcessorEndFailed {
        /// The lease.
        key: LeaseKey,
        /// The processor's error.
        error: String,
    },
    /// A processor's `stop` failed; the worker does not call it again.
    #[non_exhaustive]
    ProcessorStopFailed {
        /// The lease.
        key: LeaseKey,
        /// The processor's error.
        error: String,
    },
    /// A processor panicked; the worker makes a new one and delivers the batch again.
    #[non_exhaustive]
    ProcessorPanicked {
        /// The lease.
        key: LeaseKey,
        /// The panic's message.
        message: String,
    },
    /// A processor works on one batch for longer than the setting `watchdog`.
    #[non_exhaustive]
    ProcessorStalled {
        /// The lease.
        key: LeaseKey,
        /// For how long it has worked on the batch.
        since: Duration,
    },
    /// A processor with manual checkpoints panicked: all records since the last one come again.
    #[non_exhaustive]
    RunRewound {
        /// The lease.
        key: LeaseKey,
        /// Where reading goes on; `None` if unknown.
        to: Option<StartAt>,
    },
    /// The user's factory, source or dead-letter sink panicked outside of a batch. The worker gives
    /// the lease back, to another worker if there is one.
    #[non_exhaustive]
    RunBroken {
        /// The lease.
        key: LeaseKey,
        /// The panic's message.
        why: String,
    },
    /// The worker stopped reading a shard until it ends, as the settings say for failures.
    #[non_exhaustive]
    ShardStopped {
        /// The lease of the shard.
        key: LeaseKey,
        /// Why it stopped.
        reason: String,
    },
    /// The worker could not list the child shards of an ended shard; it tries again.
    #[non_exhaustive]
    ChildrenUnknown {
        /// The lease of the ended shard.
        key: LeaseKey,
        /// The source's error.
        error: String,
    },
    /// The coordinator got an error in place of the stream's description or list of shards.
    #[non_exhaustive]
    StreamTrouble {
        /// The kind of failure.
        kind: SourceErrorKind,
    },
    /// The worker could not describe the stream; it tries again.
    #[non_exhaustive]
    StreamUnknown {
        /// The error.
        error: String,
        /// The error of the service or the transport; empty if there is none.
        source: String,
    },
    /// The worker could not list the shards of the stream; it tries again.
    #[non_exhaustive]
    ShardsUnknown {
        /// The error.
        error: String,
        /// The error of the service or the transport; empty if there is none.
        source: String,
    },
    /// The stream was deleted and created again.
    StreamRemade,
    /// The application reads another stream; the worker checks whether others still read that one.
    #[non_exhaustive]
    StreamDiffers {
        /// The stream that the store names; `None` if it names none.
        reads: Option<StreamName>,
        /// The stream that this worker reads.
        wanted: StreamName,
    },
    /// The stored start of the stream differs from the settings. The stored one holds. Sent once.
    #[non_exhaustive]
    StartDiffers {
        /// The stream.
        stream: StreamKey,
        /// The time at which reading began; `None` means the oldest record.
        at: Option<WallTime>,
        /// The setting by which reading began; `None` if unknown.
        by: Option<InitialPosition>,
        /// The setting of this worker.
        wanted: InitialPosition,
    },
    /// The store is not usable yet, or not any more; the worker prepares it again.
    #[non_exhaustive]
    StoreUnprepared {
        /// The error.
        error: String,
        /// The error of the store or the transport; empty if there is none.
        source: String,
    },
    /// The store's table or schema had been deleted and exists again. The workers write again what
    /// they know of their leases.
    #[non_exhaustive]
    StoreRemade {
        /// Where the store is.
        store: String,
    },
    /// The store lost its last writes, or may have lost them. Lease owners write them again.
    StoreWentBack,
    /// The store pushes no wake-ups for now; the worker polls them meanwhile.
    #[non_exhaustive]
    WakeupsBroken {
        /// The store's error.
        error: String,
    },
}
