//! What happens in a run, as it is told to the oracle.
//!
//! A fact carries what an invariant cannot know from facts alone, such as whether a session's row
//! says that it lives: the world looks it up when the fact becomes true. An invariant matches the
//! few facts that concern it and ignores all others.

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

/// Something that is true.
#[derive(Debug)]
pub(super) enum Fact<'a> {
    /// A call changed a lease row.
    Lease {
        call: &'a StoreCall,
        before: Option<&'a Lease>,
        after: Option<&'a Lease>,
        shard: Option<ShardNo>,
        /// The session that wrote it stays: it neither leaves nor has ended.
        stays: bool,
        /// What nobody will read now that the row has ended or is gone.
        uncovered: Option<String>,
        /// The one worker that the placement rules allow to take it.
        allowed: Option<WorkerId>,
        /// Why nobody, or not this worker, may take it: the operator said so, and every planner has
        /// had the time to find that out.
        barred: Option<&'static str>,
        /// It was taken by a process that came after the store's clock went back.
        newcomer: bool,
        /// The fleet is frozen, and every planner has had the time to find that out.
        frozen: bool,
    },
    /// A call changed a session row.
    Session {
        call: &'a StoreCall,
        before: Option<&'a Session>,
        after: Option<&'a Session>,
        /// Of a row that is made: whether a process that is up lives in its session.
        up: bool,
    },
    /// A lease was taken from another session; whether that one's row says that it lives.
    Taken { row: &'a Lease, from: &'a SessionId, epoch: Epoch, lives: bool },
    /// A lease row was deleted; whether the stream still lists its shard.
    Deleted { row: &'a Lease, unfinished: bool, listed: bool },
    /// The end of a shard was written; children that it names and that have no row.
    Ended { row: &'a Lease, without_row: Vec<LeaseKey> },
    /// A worker believes that its session has ended; whether that one's row says that it lives.
    Fenced { session: &'a SessionId, lives: bool },
    /// A worker stopped because another one uses its id; whether any other one ever did.
    GaveWay { worker: &'a WorkerId, rivals: bool },
    /// A worker runs a lease; whether that is of its own stream.
    RunStarted { worker: &'a WorkerId, key: &'a LeaseKey, own: bool },
    /// A session has joined and lives; whether the application reads another stream.
    Joined { session: &'a SessionId, stranger: bool },
    /// The application changed streams; who reads the former one, has joined and lives.
    Switched { still: Option<&'a SessionId> },
    /// A worker left because the application reads another stream; whether anybody does.
    LeftForStream { worker: &'a WorkerId, rivals: bool },
    /// A document was written.
    Document(&'a Document),
    /// A document was deleted. What was sent before may write it anew.
    DocumentGone(&'a DocName),
    /// The stream was deleted and made again, with this as its first shard.
    Remade { first: ShardNo },
    /// The store lost where reading began, and nobody knows it.
    StartLost { name: &'a DocName },
    /// The clock of this session's machine stood still with it.
    ClockStood { session: &'a SessionId },
    /// A planner published a plan in which so many leases change hands.
    Planned { moves: usize },
    /// A worker gave records to its processor.
    Dispatched(Dispatch<'a>),
    /// A processor is done with records.
    Processed { shard: ShardNo, epoch: Epoch, after: u64, to: u64 },
    /// A reader was told that records up to this one are gone.
    Lost { shard: ShardNo, epoch: Epoch, to: u64 },
    /// Records up to this one are gone, or from before reading began: nobody has to read them.
    Gone { shard: ShardNo, to: u64 },
    /// Reading starts again: records up to this one nobody has to read, all others are to be read.
    Begun { shard: ShardNo, to: u64 },
    /// A record had its effect on the sink.
    #[cfg(feature = "simulation")]
    Effect(Effect<'a>),
    /// A worker holds bytes of so many shards that it has read and not processed; its budget, and
    /// the bytes of the largest record there is.
    #[cfg(feature = "simulation")]
    Held { worker: &'a str, bytes: usize, shards: usize, budget: usize, largest: usize },
    /// A worker that lives dropped a reader of a shard, and had not closed it.
    #[cfg(feature = "simulation")]
    ReaderLeftOpen { worker: &'a str, shard: &'a ShardId },
    /// A processor acknowledged the end of a shard; whether that takes records still.
    #[cfg(feature = "simulation")]
    EndAcknowledged { shard: &'a ShardId, open: bool },
    /// The row of a shard was seen to have ended.
    #[cfg(feature = "simulation")]
    EndSeen { shard: &'a ShardId },
    /// A process holds a shard under an epoch, and made its first processor.
    #[cfg(feature = "simulation")]
    Holds { worker: &'a str, shard: &'a ShardId, epoch: Epoch },
    /// A processor was given a batch.
    #[cfg(feature = "simulation")]
    Batch(Batch<'a>),
    /// A checkpoint covers the first records of a shard: one of them that was not processed.
    #[cfg(feature = "simulation")]
    Covered { unprocessed: Option<String> },
    /// A worker reports records as lost: one of them that the stream still has.
    #[cfg(feature = "simulation")]
    LossReported { worker: &'a str, kept: Option<String> },
    /// The run is over: what became of a record.
    #[cfg(feature = "simulation")]
    Finished(Finished<'a>),
    /// The run is over: a record of a shard that is processed, and that its checkpoint does not
    /// cover.
    #[cfg(feature = "simulation")]
    Uncovered { record: Option<String> },
    /// A worker was asked to leave so long ago; whether it is still there.
    #[cfg(feature = "simulation")]
    AskedToLeave { worker: &'a str, ago: Duration, stays: bool },
    /// A worker ended; how, if it was neither asked to leave nor gave way to another of its id.
    #[cfg(feature = "simulation")]
    WorkerEnded { worker: &'a str, unasked: Option<String> },
    /// The store lost its last writes.
    RolledBack,
    /// The store lost the row of this session: whoever looks takes it for ended.
    SessionLost { session: &'a SessionId },
    /// Nothing has failed for as long as the protocol asks for.
    Due(&'a Settled),
    /// The run is over, and the fleet had time to settle.
    Settled(&'a Settled),
    /// A processor was seen to be given a record, by whoever looks from outside.
    Given(Given<'a>),
    /// The run is over; whether anybody was given this record of those that were put.
    Left { record: u64, key: &'a str, given: bool },
    /// The run is over, and so many records were put.
    Over { put: u64 },
}

impl<'a> Fact<'a> {
    /// A call changed a lease row, as that is seen from outside: nothing is known of its writer, of
    /// the operator's rules, or of the rest of the fleet.
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

/// A record given to a processor, as it was seen.
#[derive(Debug)]
pub(super) struct Given<'a> {
    pub(super) worker: &'a WorkerId,
    /// Which process of that name.
    pub(super) life: usize,
    pub(super) shard: ShardNo,
    pub(super) name: &'a ShardId,
    pub(super) epoch: Epoch,
    /// Its place in its shard, from 1.
    pub(super) place: u64,
    /// Which of those that were put; `None`: nobody put it.
    pub(super) record: Option<OfKey<'a>>,
}

/// A record that was put, among those of its partition key.
#[derive(Debug)]
pub(super) struct OfKey<'a> {
    pub(super) key: &'a str,
    /// Its place among the records of its key.
    pub(super) nth: u64,
    /// Nobody was given it before.
    pub(super) first: bool,
}

/// A record had its effect. Records are called as in messages.
#[cfg(feature = "simulation")]
#[derive(Debug)]
pub(super) struct Effect<'a> {
    pub(super) record: &'a str,
    pub(super) worker: &'a str,
    /// The epoch under which it was written, if that is known.
    pub(super) epoch: Option<Epoch>,
    /// It had its effect before.
    pub(super) again: bool,
    /// One that comes before it, by the order that was asked for, and had no effect yet.
    pub(super) missing: Option<String>,
    /// The effect on its shard of the newest owner.
    pub(super) newest: Option<Newest>,
}

/// The last effect of the newest owner of a shard.
#[cfg(feature = "simulation")]
#[derive(Debug)]
pub(super) struct Newest {
    pub(super) epoch: Epoch,
    pub(super) worker: String,
    pub(super) record: String,
}

/// A batch given to a processor. Records are called as in messages.
#[cfg(feature = "simulation")]
#[derive(Debug)]
pub(super) struct Batch<'a> {
    pub(super) worker: &'a str,
    pub(super) shard: &'a ShardId,
    pub(super) records: &'a str,
    pub(super) first: &'a str,
    /// Records of the shard are missing between its first and its last.
    pub(super) holes: bool,
    /// The record that should come next under this lease, if that is not the first.
    pub(super) next: Option<String>,
    /// A record of a parent of the shard that is not processed.
    pub(super) unread: Option<String>,
    /// Another process whose processor has records of the shard.
    pub(super) beside: Option<String>,
    /// Some of it was acknowledged before.
    pub(super) again: bool,
}

/// What became of a record that was put.
#[cfg(feature = "simulation")]
#[derive(Debug)]
pub(super) struct Finished<'a> {
    pub(super) record: &'a str,
    pub(super) delivered: bool,
    /// It was acknowledged, or need not be.
    pub(super) processed: bool,
    /// It had its effect, or need not have one.
    pub(super) in_effect: bool,
}

/// Records given to a processor: those after `after`.
#[derive(Debug)]
pub(super) struct Dispatch<'a> {
    pub(super) worker: &'a WorkerId,
    pub(super) shard: ShardNo,
    pub(super) name: &'a ShardId,
    pub(super) epoch: Epoch,
    pub(super) after: u64,
    /// A parent of the shard that is not processed to its end: how far, and how much there is.
    pub(super) unread_parent: Option<(ShardId, u64, u64)>,
    /// Another worker that has records of the shard in its processor now.
    pub(super) overlaps: Option<WorkerId>,
}

/// The fleet after the last fault.
#[derive(Debug)]
pub(super) struct Settled {
    /// The lease rows.
    pub(super) leases: BTreeMap<LeaseKey, Lease>,
    /// What each worker that is up runs.
    pub(super) running: BTreeMap<SessionId, SettledWorker>,
    /// Every shard the stream ever had, by number.
    pub(super) shards: Vec<SettledShard>,
    /// Leases are shared out evenly: no rule says otherwise.
    pub(super) even: bool,
    /// Leases are shared out by load: how much the most loaded worker takes in a second, and how
    /// much it may.
    pub(super) load: Option<(u64, u64)>,
    /// Processors checkpoint.
    pub(super) checkpoints: bool,
    /// How many records a healthy reader may be behind.
    pub(super) slack: u64,
    /// From when on nothing may move.
    pub(super) rest_since: Time,
    /// Parents of a lease that has to be run ended before.
    pub(super) runnable_since: Time,
}

/// A worker after the last fault.
#[derive(Debug)]
pub(super) struct SettledWorker {
    /// The shards it runs, under which epoch and up to which record.
    pub(super) runs: BTreeMap<ShardNo, (Epoch, u64)>,
    pub(super) stays: bool,
    /// It reads another stream than the application.
    pub(super) stranger: bool,
    /// The operator has drained it.
    pub(super) drained: bool,
}

/// A shard after the last fault.
#[derive(Debug)]
pub(super) struct SettledShard {
    pub(super) key: LeaseKey,
    /// How many records it took.
    pub(super) count: u64,
    pub(super) open: bool,
    /// Whether the operator has paused it.
    pub(super) paused: bool,
    /// Whether somebody has to read it.
    pub(super) needed: bool,
    pub(super) parents: Vec<ShardNo>,
}
