//! The lease that an event is about.

use super::WorkerEvent;
use crate::lease::LeaseKey;

impl WorkerEvent {
    /// The lease that the event is about; `None` for an event of the whole worker.
    #[must_use]
    pub const fn lease(&self) -> Option<&LeaseKey> {
        match self {
            Self::LeaseGained { key, .. }
            | Self::LeaseReleasing { key, .. }
            | Self::LeaseLost { key, .. }
            | Self::LeaseStalled { key, .. }
            | Self::LeaseConflict { key, .. }
            | Self::LeaseForced { key, .. }
            | Self::NotOfMyStream { key }
            | Self::UnreadOld { key, .. }
            | Self::ShardEnded { key, .. }
            | Self::CheckpointStored { key, .. }
            | Self::ReadingStarted { key, .. }
            | Self::ReadingEnded { key, .. }
            | Self::EndUnproven { key, .. }
            | Self::ReadFailed { key, .. }
            | Self::ReadStandstill { key, .. }
            | Self::RecordsLost { key, .. }
            | Self::BatchFailed { key, .. }
            | Self::RecordSkipped { key, .. }
            | Self::DeadLetterFailed { key, .. }
            | Self::ProcessorStartFailed { key, .. }
            | Self::ProcessorEndFailed { key, .. }
            | Self::ProcessorStopFailed { key, .. }
            | Self::ProcessorPanicked { key, .. }
            | Self::ProcessorStalled { key, .. }
            | Self::RunRewound { key, .. }
            | Self::RunBroken { key, .. }
            | Self::ShardStopped { key, .. }
            | Self::ChildrenUnknown { key, .. } => Some(key),
            _ => None,
        }
    }
}
