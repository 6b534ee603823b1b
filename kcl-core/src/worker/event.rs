//! What a worker tells whoever listens.

use std::time::Duration;

use crate::{
    coordinator::{LossReason, Notice},
    lease::{Epoch, LeaseKey, SessionId, WorkerId},
    stream::{Position, SourceErrorKind},
};

/// Something that happened in a worker. New kinds may come.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkerEvent {
    /// A lease was gained: its shard is read from now on.
    LeaseGained {
        /// Which lease.
        key: LeaseKey,
        /// Under which epoch.
        epoch: Epoch,
    },
    /// A lease is held no longer.
    LeaseLost {
        /// Which lease.
        key: LeaseKey,
        /// Under which epoch it was held.
        epoch: Epoch,
        /// Why.
        reason: LossReason,
    },
    /// A shard is processed to its end.
    ShardEnded {
        /// Its lease.
        key: LeaseKey,
    },
    /// Records are gone from the stream before they could be read. They were never delivered.
    RecordsLost {
        /// Which lease.
        key: LeaseKey,
        /// The last position that was read, if any.
        from: Option<Position>,
        /// The first position that is still there, where known.
        to: Option<Position>,
    },
    /// A shard is taken for ended because its source gives no more of it and the stream lists it as
    /// closed. No answer showed that nothing is left: records may be missing.
    EndUnproven {
        /// Which lease.
        key: LeaseKey,
        /// The last position that was read, if any.
        after: Option<Position>,
    },
    /// A record kept failing and was skipped, as the failure policy says.
    RecordSkipped {
        /// Which lease.
        key: LeaseKey,
        /// Which record.
        at: Position,
        /// What the processor said last.
        error: String,
    },
    /// A batch failed and is delivered again.
    BatchFailed {
        /// Which lease.
        key: LeaseKey,
        /// How often it has been delivered.
        attempt: u32,
        /// What the processor said.
        error: String,
    },
    /// The processor of a lease panicked; it is made anew and the batch delivered again.
    ProcessorPanicked {
        /// Which lease.
        key: LeaseKey,
        /// The panic's message.
        message: String,
    },
    /// The processor of a lease makes no progress.
    ProcessorStalled {
        /// Which lease.
        key: LeaseKey,
        /// Since how long.
        since: Duration,
    },
    /// A shard is not read any more, as the failure policy says, until the worker ends.
    ShardStopped {
        /// Its lease.
        key: LeaseKey,
        /// Why.
        reason: String,
    },
    /// The stream does not let itself be read; it is tried again.
    ReadFailed {
        /// Which lease.
        key: LeaseKey,
        /// What kind of failure.
        kind: SourceErrorKind,
        /// What the stream said.
        error: String,
    },
    /// Reading a shard gets nowhere, although the stream answers. It goes on, ever more slowly.
    /// Told at 10 calls in a row without a record or a new position, at 20, at 40, and so on.
    ReadStandstill {
        /// Which lease.
        key: LeaseKey,
        /// How many calls.
        calls: u32,
        /// What the stream answers, in words.
        why: String,
    },
    /// The session was ended by the others; a new one starts.
    Fenced {
        /// Which session.
        session: SessionId,
    },
    /// Another worker uses this one's id; this one stops.
    DuplicateWorkerId {
        /// The id.
        worker: WorkerId,
    },
    /// The store has not answered in time: nothing is dispatched until it does.
    Lapsed,
    /// The store answers again; the leases that are still held go on in place.
    Revived {
        /// How many leases are looked at.
        leases: usize,
    },
    /// A plan was published by this worker.
    Planned {
        /// Leases that change hands between live workers.
        moves: usize,
    },
    /// Nobody may take these leases, with the reason, worst lag first.
    Unassignable {
        /// The leases.
        leases: Vec<(LeaseKey, String)>,
    },
    /// Something of the coordination worth knowing that has no event of its own.
    Notice(Notice),
}

impl WorkerEvent {
    /// The events a notice of the coordinator makes.
    pub(super) fn from_notice(notice: Notice) -> Vec<Self> {
        match notice {
            Notice::Gained(key, epoch) => vec![Self::LeaseGained { key, epoch }],
            Notice::Lost(key, epoch, reason) => vec![Self::LeaseLost { key, epoch, reason }],
            Notice::Ended(key, _) => vec![Self::ShardEnded { key }],
            Notice::Fenced(session, _) => vec![Self::Fenced { session }],
            Notice::DuplicateWorkerId(session) => {
                vec![Self::DuplicateWorkerId { worker: session.worker }]
            }
            Notice::Lapsed => vec![Self::Lapsed],
            Notice::Revived(leases) => vec![Self::Revived { leases }],
            Notice::Planned { moves, unassigned } => {
                let mut events = vec![Self::Planned { moves }];
                if !unassigned.is_empty() {
                    events.push(Self::Unassignable { leases: unassigned });
                }
                events
            }
            other => vec![Self::Notice(other)],
        }
    }
}
