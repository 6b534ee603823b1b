//! What happens in a worker: one enum for all of it.

use std::time::Duration;

use crate::{
    coordinator::LossReason,
    env::WallTime,
    lease::{Checkpoint, DocName, EndReason, Epoch, LeaseKey, SessionId, WorkerId},
    settings::InitialPosition,
    stream::{Position, SourceErrorKind, StartAt, StreamKey, StreamName},
};

/// Something that happened in a worker: in its part in the fleet, or in the reading of a shard. New
/// kinds may come, and of each more may be told.
///
/// Texts say what went wrong in words; none holds records' data, partition keys or secrets, unless
/// an error of the user's processor does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkerEvent {
    /// The session is registered: the worker is known to the others.
    #[non_exhaustive]
    Registered {
        /// Which session.
        session: SessionId,
    },
    /// The session was ended by the others; a new one starts.
    #[non_exhaustive]
    Fenced {
        /// Which session.
        session: SessionId,
        /// How it was ended.
        reason: EndReason,
    },
    /// This worker ended the session of another one, which was silent.
    #[non_exhaustive]
    EndedDead {
        /// Which session.
        session: SessionId,
    },
    /// Another worker uses this one's id; this one stops.
    #[non_exhaustive]
    DuplicateWorkerId {
        /// The session of the other one.
        session: SessionId,
    },
    /// The store has not answered in time: nothing is dispatched until it does.
    Lapsed,
    /// The store answers again; the leases that are still held go on in place.
    #[non_exhaustive]
    Revived {
        /// How many leases are looked at.
        leases: usize,
    },
    /// The application is closed while its rows are rewritten: the worker waits.
    #[non_exhaustive]
    Closed {
        /// By whom, and for what.
        by: String,
    },
    /// The application is open again: the worker joins.
    Reopened,
    /// The worker was told to leave: it hands its leases over.
    Leaving,
    /// The worker is over.
    #[non_exhaustive]
    Finished {
        /// How it ended.
        outcome: String,
    },

    /// A lease was gained: its shard is read from now on.
    #[non_exhaustive]
    LeaseGained {
        /// Which lease.
        key: LeaseKey,
        /// Under which epoch.
        epoch: Epoch,
    },
    /// A lease is being given back.
    #[non_exhaustive]
    LeaseReleasing {
        /// Which lease.
        key: LeaseKey,
        /// Under which epoch it was held.
        epoch: Epoch,
    },
    /// A lease is held no longer.
    #[non_exhaustive]
    LeaseLost {
        /// Which lease.
        key: LeaseKey,
        /// Under which epoch it was held.
        epoch: Epoch,
        /// Why.
        reason: LossReason,
    },
    /// The processor of a lease makes no progress: the lease goes elsewhere.
    #[non_exhaustive]
    LeaseStalled {
        /// Which lease.
        key: LeaseKey,
        /// Under which epoch it was held.
        epoch: Epoch,
    },
    /// A lease is held by a worker that should not hold it.
    #[non_exhaustive]
    LeaseConflict {
        /// Which lease.
        key: LeaseKey,
        /// Who holds it.
        session: SessionId,
    },
    /// A lease was ordered to be taken from a live worker that did not give it back in time.
    #[non_exhaustive]
    LeaseForced {
        /// Which lease.
        key: LeaseKey,
        /// From whom.
        from: SessionId,
        /// Whether that one never said that it saw the order: both may process for a moment.
        overlap: bool,
    },
    /// The worker does not read a lease of another stream, or of another life of its own.
    #[non_exhaustive]
    NotOfMyStream {
        /// Which lease.
        key: LeaseKey,
    },
    /// A shard is processed to its end.
    #[non_exhaustive]
    ShardEnded {
        /// Its lease.
        key: LeaseKey,
        /// Under which epoch.
        epoch: Epoch,
    },
    /// A checkpoint is in the store.
    #[non_exhaustive]
    CheckpointStored {
        /// Which lease.
        key: LeaseKey,
        /// Under which epoch.
        epoch: Epoch,
        /// How far the shard is processed.
        checkpoint: Checkpoint,
    },
    /// This worker plans for the fleet from now on.
    #[non_exhaustive]
    PlanningStarted {
        /// Its term.
        term: Epoch,
    },
    /// This worker plans no longer.
    #[non_exhaustive]
    PlanningStopped {
        /// Its term.
        term: Epoch,
    },
    /// A plan was published by this worker.
    #[non_exhaustive]
    Planned {
        /// Leases that change hands between live workers.
        moves: usize,
        /// Leases that nobody may take: [`Self::Unassignable`] names them.
        unassigned: usize,
        /// How many workers the plan counts on.
        workers: usize,
        /// How many leases there are, those of shards that have ended among them.
        leases: usize,
    },
    /// Nobody may take these leases, with the reason, worst lag first.
    #[non_exhaustive]
    Unassignable {
        /// The leases.
        leases: Vec<(LeaseKey, String)>,
    },
    /// Half of the retention is over for what is unread of a shard that nobody may read. Told once.
    #[non_exhaustive]
    UnreadOld {
        /// Its lease.
        key: LeaseKey,
        /// How old that record is at the most.
        oldest: Duration,
        /// For how long the stream keeps records.
        retention: Duration,
    },
    /// How old what nobody may read is. Told by the worker that plans, each minute and plan.
    #[non_exhaustive]
    UnreadAge {
        /// Of the oldest unread record, at the most; `None` if there is none or it is not known.
        oldest: Option<Duration>,
        /// For how long the stream keeps records; `None` if that is not known.
        retention: Option<Duration>,
    },
    /// How many workers the measured load needs, as the planner tells. Told once a minute.
    #[non_exhaustive]
    WorkersWanted {
        /// How many; `None` if that is not known, or was told long ago.
        workers: Option<u64>,
    },
    /// The placement rules make no sense; those read before stay in force. Where there were none,
    /// what a live worker holds stays where it is.
    #[non_exhaustive]
    RulesRefused {
        /// Why.
        problem: String,
    },
    /// The placement rules that this worker was started with are in force now.
    #[non_exhaustive]
    RulesDeclared {
        /// Where it has them from.
        from: String,
        /// How many rules there are now.
        rules: usize,
    },
    /// The placement rules that this worker was started with do not count; others are in force.
    #[non_exhaustive]
    RulesPassedOver {
        /// Where it has them from.
        from: String,
        /// Why, and what may be done.
        why: String,
    },
    /// No placement rule names this worker, and some name workers that do not live: it may have
    /// been meant to be one of those.
    #[non_exhaustive]
    WorkerNotNamed {
        /// Whom rules name and who does not live.
        absent: Vec<WorkerId>,
        /// Who lives and is named by no rule.
        unnamed: Vec<WorkerId>,
    },
    /// More shards inherit placement rules from shards that are gone than a document holds. Rows of
    /// ended leases are kept in its place.
    #[non_exhaustive]
    InheritanceFull {
        /// How many, and what to do.
        problem: String,
    },
    /// A document of the store makes no sense to this version. It does not count as never written:
    /// who needs it waits.
    #[non_exhaustive]
    DocumentUnreadable {
        /// Which document.
        document: DocName,
        /// Why.
        problem: String,
    },
    /// A worker's assignment has no room for more leases, and nobody else can take them: they wait
    /// for more workers.
    #[non_exhaustive]
    DocumentFull {
        /// The assignment.
        document: DocName,
        /// How many wait.
        leases: usize,
    },
    /// No lease covers a part of the hash-key space although shards for it are listed.
    #[non_exhaustive]
    HashRangeHole {
        /// Which part.
        range: String,
    },
    /// What the stream lists and the lease rows do not fit together.
    #[non_exhaustive]
    LineageUnclear {
        /// In what way.
        problem: String,
    },
    /// The first read of a shard under an epoch was answered.
    #[non_exhaustive]
    ReadingStarted {
        /// Which lease.
        key: LeaseKey,
        /// Under which epoch.
        epoch: Epoch,
    },
    /// A shard has nothing more to read; what was read may still be in the processor.
    #[non_exhaustive]
    ReadingEnded {
        /// Which lease.
        key: LeaseKey,
        /// Under which epoch.
        epoch: Epoch,
    },
    /// A shard is taken for ended because its source gives no more of it and the stream lists it as
    /// closed. No answer showed that nothing is left: records may be missing.
    #[non_exhaustive]
    EndUnproven {
        /// Which lease.
        key: LeaseKey,
        /// The last position that was read, if any.
        after: Option<Position>,
    },
    /// Reading failed; it is retried.
    #[non_exhaustive]
    ReadFailed {
        /// Which lease.
        key: LeaseKey,
        /// What kind of failure.
        kind: SourceErrorKind,
        /// What failed.
        error: String,
        /// What the service or the transport said; empty if nothing.
        source: String,
    },
    /// Reading a shard gets nowhere, although the stream answers. It goes on, ever more slowly.
    /// Told at 10 calls in a row without a record or a new position, at 20, at 40, and so on.
    #[non_exhaustive]
    ReadStandstill {
        /// Which lease.
        key: LeaseKey,
        /// How many calls.
        calls: u32,
        /// What the stream answers, in words.
        why: String,
    },
    /// Records are gone from the stream before they could be read. They were never delivered.
    #[non_exhaustive]
    RecordsLost {
        /// Which lease.
        key: LeaseKey,
        /// The last position that was read, if any.
        from: Option<Position>,
        /// The first position that is still there, where known.
        to: Option<Position>,
    },
    /// A batch failed and is delivered again.
    #[non_exhaustive]
    BatchFailed {
        /// Which lease.
        key: LeaseKey,
        /// How often it has been delivered.
        attempt: u32,
        /// How many records it holds.
        records: usize,
        /// What the processor said.
        error: String,
    },
    /// A record kept failing and was skipped, as the failure policy or the operator says.
    #[non_exhaustive]
    RecordSkipped {
        /// Which lease.
        key: LeaseKey,
        /// Which record.
        at: Position,
        /// What the processor said last.
        error: String,
    },
    /// The dead-letter sink failed; the record is not skipped before it is kept.
    #[non_exhaustive]
    DeadLetterFailed {
        /// Which lease.
        key: LeaseKey,
        /// What the sink said.
        error: String,
    },
    /// A processor could not start; it is tried again.
    #[non_exhaustive]
    ProcessorStartFailed {
        /// Which lease.
        key: LeaseKey,
        /// What it said.
        error: String,
    },
    /// A processor did not acknowledge the end of its shard; it is asked again.
    #[non_exhaustive]
    ProcessorEndFailed {
        /// Which lease.
        key: LeaseKey,
        /// What it said.
        error: String,
    },
    /// A processor could not stop cleanly; nobody waits for it.
    #[non_exhaustive]
    ProcessorStopFailed {
        /// Which lease.
        key: LeaseKey,
        /// What it said.
        error: String,
    },
    /// The processor of a lease panicked; it is made anew and the batch delivered again.
    #[non_exhaustive]
    ProcessorPanicked {
        /// Which lease.
        key: LeaseKey,
        /// The panic's message.
        message: String,
    },
    /// The processor of a lease makes no progress.
    #[non_exhaustive]
    ProcessorStalled {
        /// Which lease.
        key: LeaseKey,
        /// Since how long.
        since: Duration,
    },
    /// A processor with checkpoints of its own panicked: all since the last one comes again.
    #[non_exhaustive]
    RunRewound {
        /// Which lease.
        key: LeaseKey,
        /// Where reading goes on, where known.
        to: Option<StartAt>,
    },
    /// What the user gave (the factory, the source, the dead-letter sink) panicked outside of a
    /// batch. The lease is given back, to another worker if there is one.
    #[non_exhaustive]
    RunBroken {
        /// Which lease.
        key: LeaseKey,
        /// The panic's message.
        why: String,
    },
    /// A shard is not read any more, as the failure policy says, until the worker ends.
    #[non_exhaustive]
    ShardStopped {
        /// Its lease.
        key: LeaseKey,
        /// Why.
        reason: String,
    },
    /// The shards that continue an ended one could not be listed; it is tried again.
    #[non_exhaustive]
    ChildrenUnknown {
        /// The lease of the ended shard.
        key: LeaseKey,
        /// What the source said.
        error: String,
    },
    /// The stream could not be described or listed, as the worker's part in the fleet has it.
    #[non_exhaustive]
    StreamTrouble {
        /// What kind of failure.
        kind: SourceErrorKind,
    },
    /// The stream could not be described; it is tried again.
    #[non_exhaustive]
    StreamUnknown {
        /// What failed.
        error: String,
        /// What the service or the transport said; empty if nothing.
        source: String,
    },
    /// The shards of the stream could not be listed; it is tried again.
    #[non_exhaustive]
    ShardsUnknown {
        /// What failed.
        error: String,
        /// What the service or the transport said; empty if nothing.
        source: String,
    },
    /// The stream was deleted and made again.
    StreamRemade,
    /// The application reads another stream; whether somebody still reads that one is found out.
    #[non_exhaustive]
    StreamDiffers {
        /// The one that the store names; `None` if it names none.
        reads: Option<StreamName>,
        /// The one that this worker reads.
        wanted: StreamName,
    },
    /// Reading of the stream began elsewhere than the settings say; that holds. Told once.
    #[non_exhaustive]
    StartDiffers {
        /// Of which stream.
        stream: StreamKey,
        /// The time it began at; `None`: at the oldest record.
        at: Option<WallTime>,
        /// The setting that it began by, where known.
        by: Option<InitialPosition>,
        /// What this worker's settings say.
        wanted: InitialPosition,
    },
    /// The store cannot be used yet, or any more; it is prepared again.
    #[non_exhaustive]
    StoreUnprepared {
        /// What failed.
        error: String,
        /// What the store or the transport said; empty if nothing.
        source: String,
    },
    /// Somebody had deleted what the state is kept in. It is there again, and whoever knows
    /// something writes it forward.
    #[non_exhaustive]
    StoreRemade {
        /// Where it is.
        store: String,
    },
    /// The store lost its last writes, or may have; owners write them forward.
    StoreWentBack,
    /// Wake-ups are polled until the store pushes them again.
    #[non_exhaustive]
    WakeupsBroken {
        /// What the store said.
        error: String,
    },
}
