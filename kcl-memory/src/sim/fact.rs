//! The facts of a run: what the simulators and the judge report to the oracle.
//!
//! A fact has what an invariant cannot know from facts alone, such as whether a session's row says
//! that it is alive: the reporter looks it up at the moment when the fact becomes true. An
//! invariant matches the few facts that concern it and ignores all others.
//!
//! Facts come from three sources, and each uses only some of the kinds:
//!
//! - `World` reports changes of rows, coordinators' notices, and records by their numbers.
//! - The ledger of `live` (feature `simulation`) reports batches, effects and ends of whole
//!   workers; the records in its facts have the names that messages use.
//! - `Judge` reports deliveries and changes of lease rows.

use std::collections::BTreeMap;
#[cfg(feature = "simulation")]
use std::time::Duration;

use kcl_core::{
    coordinator::StoreCall,
    env::Time,
    lease::{DocName, Document, Epoch, Lease, LeaseKey, Session, SessionId, WorkerId},
    stream::ShardId,
};

use super::stream::ShardNo;

/// Something that has just become true.
#[derive(Debug)]
pub(super) enum Fact<'a> {
    /// A call changed a lease row.
    Lease {
        /// The call that changed it. A judge that only read the row reports a read.
        call: &'a StoreCall,
        /// The row before the call; `None`: the call created it.
        before: Option<&'a Lease>,
        /// The row after the call; `None`: the call deleted it.
        after: Option<&'a Lease>,
        /// The number of its shard; `None` for a role.
        shard: Option<ShardNo>,
        /// The session that wrote it stays: its process was not asked to leave, and its row is
        /// alive. The world looks this up for a release only, and sets it for all other calls.
        stays: bool,
        /// A message: which shard no worker will read now that the row has ended or is deleted.
        uncovered: Option<String>,
        /// The one worker that the placement rules allow to take it. `None`: any worker may, or
        /// some planner may not know the rules yet.
        allowed: Option<WorkerId>,
        /// Why its new owner may not have it: the operator paused the lease or drained that worker,
        /// and every planner has had the time to find that out. `None`: it may.
        barred: Option<&'static str>,
        /// A process took it that started after the store's clock went back.
        newcomer: bool,
        /// The fleet is frozen, and every planner has had the time to find that out. Set only for a
        /// release.
        frozen: bool,
    },
    /// A call changed a session row.
    Session {
        /// The call that changed it.
        call: &'a StoreCall,
        /// The row before the call; `None`: the call created it.
        before: Option<&'a Session>,
        /// The row after the call; `None`: the call deleted it.
        after: Option<&'a Session>,
        /// False if the call created the row and no process that is up has this session: the
        /// registration arrived late.
        up: bool,
    },
    /// A session took a lease that another session (`from`) had under `epoch`; `lives` says whether
    /// the row of that session is alive.
    Taken { row: &'a Lease, from: &'a SessionId, epoch: Epoch, lives: bool },
    /// A lease row was deleted. `unfinished`: the call was meant for a row that has not ended;
    /// `listed`: the stream still lists its shard.
    Deleted { row: &'a Lease, unfinished: bool, listed: bool },
    /// The end of a shard was written. `without_row` are the children of the shard that have no
    /// lease row.
    Ended { row: &'a Lease, without_row: Vec<LeaseKey> },
    /// A worker believes that its session has ended; `lives` says whether the session's row is
    /// alive.
    Fenced { session: &'a SessionId, lives: bool },
    /// A worker stopped because another one uses its id; `rivals` says whether the run ever had
    /// another process with this id.
    GaveWay { worker: &'a WorkerId, rivals: bool },
    /// A worker starts to run a lease; `own` says whether it belongs to the stream of the worker's
    /// source.
    RunStarted { worker: &'a WorkerId, key: &'a LeaseKey, own: bool },
    /// A session has joined and its row is alive; `stranger` says whether the application reads
    /// another stream.
    Joined { session: &'a SessionId, stranger: bool },
    /// The application changed to another stream. `still` is a live session that had joined to read
    /// the former one.
    Switched { still: Option<&'a SessionId> },
    /// A worker left because the application reads another stream; `rivals` says whether any
    /// process of the run ever had another stream.
    LeftForStream { worker: &'a WorkerId, rivals: bool },
    /// A call wrote a document.
    Document(&'a Document),
    /// A call deleted a document. A write that was sent before may create it again.
    DocumentGone(&'a DocName),
    /// The stream was deleted and made again; `first` is the number of its first new shard.
    Remade { first: ShardNo },
    /// The store lost the document that says where reading began, and no live worker remembers it.
    StartLost { name: &'a DocName },
    /// The machine of this session was suspended, and its clock did not count that time.
    ClockStood { session: &'a SessionId },
    /// A planner published a plan that moves this many leases.
    Planned { moves: usize },
    /// A worker gave records to its processor.
    Dispatched(Dispatch<'a>),
    /// A processor has processed the records after `after`, up to `to`.
    Processed { shard: ShardNo, epoch: Epoch, after: u64, to: u64 },
    /// A reader found that the stream has deleted the records up to `to`, and continues behind
    /// them.
    Lost { shard: ShardNo, epoch: Epoch, to: u64 },
    /// Nobody has to read the records up to `to`: the stream has deleted them, or they are older
    /// than the start.
    Gone { shard: ShardNo, to: u64 },
    /// A reset set the lease back: the records behind `to` are to be read (again), those up to `to`
    /// need not be.
    Begun { shard: ShardNo, to: u64 },
    /// A record had its effect on the sink.
    #[cfg(feature = "simulation")]
    Effect(Effect<'a>),
    /// A worker has `bytes` in memory that it read and did not process yet, from `shards` shards.
    /// `budget` is its byte budget, `largest` the size of the largest record that was put.
    #[cfg(feature = "simulation")]
    Held { worker: &'a str, bytes: usize, shards: usize, budget: usize, largest: usize },
    /// A live worker dropped a reader of a shard without closing it.
    #[cfg(feature = "simulation")]
    ReaderLeftOpen { worker: &'a str, shard: &'a ShardId },
    /// A processor acknowledged the end of a shard; `open` says whether the shard still takes
    /// records.
    #[cfg(feature = "simulation")]
    EndAcknowledged { shard: &'a ShardId, open: bool },
    /// The lease row of a shard says that the shard has ended.
    #[cfg(feature = "simulation")]
    EndSeen { shard: &'a ShardId },
    /// A process got the lease of a shard under an epoch, and made its first processor for it.
    #[cfg(feature = "simulation")]
    Holds { worker: &'a str, shard: &'a ShardId, epoch: Epoch },
    /// A processor was given a batch.
    #[cfg(feature = "simulation")]
    Batch(Batch<'a>),
    /// A checkpoint covers the first records of a shard; `unprocessed` names one of them that was
    /// not processed, if there is one.
    #[cfg(feature = "simulation")]
    Covered { unprocessed: Option<String> },
    /// A worker reports records as lost; `kept` names one that the stream still has, if there is
    /// one.
    #[cfg(feature = "simulation")]
    LossReported { worker: &'a str, kept: Option<String> },
    /// The run is over, and this became of a record.
    #[cfg(feature = "simulation")]
    Finished(Finished<'a>),
    /// The run is over and every worker has left; `record` names a record of a shard that its
    /// checkpoint does not cover and that is not excused, if there is one.
    #[cfg(feature = "simulation")]
    Uncovered { record: Option<String> },
    /// A worker was asked to leave this long ago; `stays` says whether its process is still up.
    #[cfg(feature = "simulation")]
    AskedToLeave { worker: &'a str, ago: Duration, stays: bool },
    /// A worker ended. `unasked` says how, if it was neither asked to leave nor gave way to another
    /// worker with its id.
    #[cfg(feature = "simulation")]
    WorkerEnded { worker: &'a str, unasked: Option<String> },
    /// The store lost its last writes.
    RolledBack,
    /// The store lost the row of this session: other workers take the session for ended.
    SessionLost { session: &'a SessionId },
    /// The protocol's bound has passed since the last fault: every lease has to be owned and run.
    Due(&'a Settled),
    /// The run is over, and the fleet had time to settle.
    Settled(&'a Settled),
    /// A processor was given a record, as a test saw it from outside.
    Given(Given<'a>),
    /// The run is over; `given` says whether any process was given this record, which was put.
    Left { record: u64, key: &'a str, given: bool },
    /// The run is over, and the test put this many records.
    Over { put: u64 },
}

impl<'a> Fact<'a> {
    /// A changed lease row as a test sees it from outside: the fact knows nothing of the session
    /// that wrote it, of the operator's rules, or of the rest of the fleet.
    pub(super) const fn row_seen(
        call: &'a StoreCall,
        before: Option<&'a Lease>,
        after: Option<&'a Lease>,
        shard: Option<ShardNo>,
    ) -> Self {
        Self::Lease {
            call,
            before,
            after,
            shard,
            stays: false,
            uncovered: None,
            allowed: None,
            barred: None,
            newcomer: false,
            frozen: false,
        }
    }
}

/// A record that a processor was given, as a test saw it.
#[derive(Debug)]
pub(super) struct Given<'a> {
    pub(super) worker: &'a WorkerId,
    /// Which process with this worker id.
    pub(super) life: usize,
    pub(super) shard: ShardNo,
    pub(super) name: &'a ShardId,
    pub(super) epoch: Epoch,
    /// Its place in its shard, counted from 1.
    pub(super) place: u64,
    /// Which of the records that were put; `None`: nobody put it.
    pub(super) record: Option<OfKey<'a>>,
}

/// A record that was put, among the records with its partition key.
#[derive(Debug)]
pub(super) struct OfKey<'a> {
    pub(super) key: &'a str,
    /// How many records of its key were put before it.
    pub(super) nth: u64,
    /// This is its first delivery.
    pub(super) first: bool,
}

/// A record had its effect on the sink.
#[cfg(feature = "simulation")]
#[derive(Debug)]
pub(super) struct Effect<'a> {
    /// The record, by its name in messages.
    pub(super) record: &'a str,
    pub(super) worker: &'a str,
    /// The epoch under which it was written, if it is known.
    pub(super) epoch: Option<Epoch>,
    /// The record had its effect before.
    pub(super) again: bool,
    /// A record that comes before this one in the order that the test asked for, and that had no
    /// effect yet.
    pub(super) missing: Option<String>,
    /// The last effect on the same shard under the highest epoch.
    pub(super) newest: Option<Newest>,
}

/// The last effect under the highest epoch that had an effect on a shard.
#[cfg(feature = "simulation")]
#[derive(Debug)]
pub(super) struct Newest {
    pub(super) epoch: Epoch,
    pub(super) worker: String,
    pub(super) record: String,
}

/// A batch that a processor was given. Records have the names that messages use.
#[cfg(feature = "simulation")]
#[derive(Debug)]
pub(super) struct Batch<'a> {
    pub(super) worker: &'a str,
    pub(super) shard: &'a ShardId,
    /// All records of the batch.
    pub(super) records: &'a str,
    /// Its first record.
    pub(super) first: &'a str,
    /// The batch lacks records of the shard that lie between its first and its last.
    pub(super) holes: bool,
    /// The record that should come next under this lease, if the batch begins with another one.
    pub(super) next: Option<String>,
    /// A record of a parent of the shard that is not processed, if there is one.
    pub(super) unread: Option<String>,
    /// Another process whose processor has records of the shard at this moment.
    pub(super) beside: Option<String>,
    /// Some record of the batch was acknowledged before.
    pub(super) again: bool,
}

/// What became of a record that was put, when the run is over.
#[cfg(feature = "simulation")]
#[derive(Debug)]
pub(super) struct Finished<'a> {
    pub(super) record: &'a str,
    /// A processor was given it.
    pub(super) delivered: bool,
    /// It was acknowledged, or need not be.
    pub(super) processed: bool,
    /// It had its effect, or need not have one.
    pub(super) in_effect: bool,
}

/// A worker gave its processor the records after `after`.
#[derive(Debug)]
pub(super) struct Dispatch<'a> {
    pub(super) worker: &'a WorkerId,
    pub(super) shard: ShardNo,
    /// The id of the shard, for messages.
    pub(super) name: &'a ShardId,
    pub(super) epoch: Epoch,
    /// The number of the last record before the batch.
    pub(super) after: u64,
    /// A parent of the shard that is not processed to its end, with the numbers of its records that
    /// are processed and of all.
    pub(super) unread_parent: Option<(ShardId, u64, u64)>,
    /// Another worker that has records of the shard in its processor at this moment.
    pub(super) overlaps: Option<WorkerId>,
}

/// The state of the fleet some time after the last fault.
#[derive(Debug)]
pub(super) struct Settled {
    /// All lease rows of the store.
    pub(super) leases: BTreeMap<LeaseKey, Lease>,
    /// Each worker that is up, by its session.
    pub(super) running: BTreeMap<SessionId, SettledWorker>,
    /// Every shard that the stream ever had, by its number.
    pub(super) shards: Vec<SettledShard>,
    /// Leases are to be shared out evenly by number: no rule, mark, weight or freeze says
    /// otherwise.
    pub(super) even: bool,
    /// If leases are shared out by load: the bytes per second of the most loaded worker, and the
    /// most that it may have.
    pub(super) load: Option<(u64, u64)>,
    /// Processors checkpoint in this run.
    pub(super) checkpoints: bool,
    /// How many records a healthy reader of an open shard may be behind.
    pub(super) slack: u64,
    /// The time from which on no lease may change its owner.
    pub(super) rest_since: Time,
    /// A lease has to be run if its parents ended before this time.
    pub(super) runnable_since: Time,
}

/// A worker that is up.
#[derive(Debug)]
pub(super) struct SettledWorker {
    /// The shards that it runs: the epoch of each, and the last record processed.
    pub(super) runs: BTreeMap<ShardNo, (Epoch, u64)>,
    /// It was not asked to leave.
    pub(super) stays: bool,
    /// Its source is another stream than the one that the application reads.
    pub(super) stranger: bool,
    /// The operator has drained it.
    pub(super) drained: bool,
}

/// A shard.
#[derive(Debug)]
pub(super) struct SettledShard {
    pub(super) key: LeaseKey,
    /// How many records it took.
    pub(super) count: u64,
    /// Whether it still takes records.
    pub(super) open: bool,
    /// Whether the operator has paused its lease.
    pub(super) paused: bool,
    /// Whether a worker has to read it.
    pub(super) needed: bool,
    /// The shards that it was split or merged from.
    pub(super) parents: Vec<ShardNo>,
}
