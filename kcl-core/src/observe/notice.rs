//! Makes events from the coordinator's notices and outcomes.

use super::WorkerEvent;
use crate::{
    coordinator::{Notice, Outcome},
    store::StoreError,
};

impl WorkerEvent {
    /// The event of a failed preparation of the store, which the worker retries.
    pub(crate) fn unprepared(error: &StoreError) -> Self {
        let source = error.source.as_deref().map(ToString::to_string).unwrap_or_default();
        Self::StoreUnprepared { error: error.to_string(), source }
    }

    /// The event of the worker's end.
    pub(crate) fn finished(outcome: &Outcome) -> Self {
        Self::Finished { outcome: outcome.to_string() }
    }
}

/// Each notice has one event.
impl From<Notice> for WorkerEvent {
    fn from(notice: Notice) -> Self {
        match notice {
            Notice::Registered(session) => Self::Registered { session },
            Notice::Fenced(session, reason) => Self::Fenced { session, reason },
            Notice::FencedOther(session) => Self::EndedDead { session },
            Notice::DuplicateWorkerId(session) => Self::DuplicateWorkerId { session },
            Notice::Lapsed => Self::Lapsed,
            Notice::Revived(leases) => Self::Revived { leases },
            Notice::Closed(by) => Self::Closed { by },
            Notice::Reopened => Self::Reopened,
            Notice::Gained(key, epoch) => Self::LeaseGained { key, epoch },
            Notice::Lost(key, epoch, reason) => Self::LeaseLost { key, epoch, reason },
            Notice::Stalled(key, epoch) => Self::LeaseStalled { key, epoch },
            Notice::Conflict(key, session) => Self::LeaseConflict { key, session },
            Notice::Forced { key, from, overlap } => Self::LeaseForced { key, from, overlap },
            Notice::NotOfMyStream(key) => Self::NotOfMyStream { key },
            Notice::Ended(key, epoch) => Self::ShardEnded { key, epoch },
            Notice::Planning(term) => Self::PlanningStarted { term },
            Notice::StoppedPlanning(term) => Self::PlanningStopped { term },
            Notice::Planned { moves, unassigned, workers, leases } => {
                Self::Planned { moves, unassigned: unassigned.len(), workers, leases }
            }
            Notice::UnreadOld { key, oldest, retention } => {
                Self::UnreadOld { key, oldest, retention }
            }
            Notice::Unread { oldest, retention } => Self::UnreadAge { oldest, retention },
            Notice::Wanted { workers } => Self::WorkersWanted { workers },
            Notice::BadRules(problem) => Self::RulesRefused { problem },
            Notice::InheritanceFull(problem) => Self::InheritanceFull { problem },
            Notice::Unreadable(document, problem) => Self::DocumentUnreadable { document, problem },
            Notice::DocumentFull(document, leases) => Self::DocumentFull { document, leases },
            Notice::Hole(range) => Self::HashRangeHole { range },
            Notice::Lineage(problem) => Self::LineageUnclear { problem },
            Notice::StreamTrouble(kind) => Self::StreamTrouble { kind },
            Notice::StreamRemade => Self::StreamRemade,
            Notice::StreamDiffers { reads, wanted } => Self::StreamDiffers { reads, wanted },
            Notice::StartDiffers { start, wanted } => {
                Self::StartDiffers { stream: start.of, at: start.at, by: start.by, wanted }
            }
            Notice::StoreWentBack => Self::StoreWentBack,
        }
    }
}
