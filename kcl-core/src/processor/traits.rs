//! The trait a user implements.

use std::time::Duration;

use async_trait::async_trait;

use super::{LeaseHandle, ProcessorError, RecordBatch};
use crate::settings::ProgressMode;

/// Processes the records of one shard under one lease (`ShardRecordProcessor` in the Java KCL).
///
/// One processor per lease, made by a [`super::ProcessorFactory`] when the lease is gained and
/// dropped when it is lost or handed over. Calls never overlap.
#[async_trait]
pub trait RecordProcessor: Send + 'static {
    /// Who says how far this lease's shard is processed, if it is not as the worker's settings say:
    /// [`ProgressMode::Automatic`] or [`ProgressMode::Manual`]. Asked once for each lease.
    /// [`ProgressMode::Transactional`] is a matter of the whole worker: where the settings say it,
    /// nothing else is taken, and where they do not, it is not taken.
    fn progress(&self) -> Option<ProgressMode> {
        None
    }

    /// Called once, when the lease is gained: before the first batch, and without waiting for it.
    ///
    /// # Errors
    /// Any: called again after a pause, for as long as the lease is held.
    async fn start(&mut self, _lease: &LeaseHandle) -> Result<(), ProcessorError> {
        Ok(())
    }

    /// Processes a batch. `Ok` means that all of it is processed: the worker checkpoints past it,
    /// unless checkpoints are manual.
    ///
    /// # Errors
    /// Any: the batch is delivered again, by the failure policy. With [`super::Forgotten`] as after
    /// a panic.
    ///
    /// # Panics
    /// A panic counts as an error, and the processor is made anew. Other shards go on. With manual
    /// checkpoints, what the lost processor had been given since its last one is delivered again.
    ///
    /// # Cancel safety
    /// The future is dropped when the lease is lost, when the session cannot be kept alive in time
    /// and when a handover or a shutdown does not wait any longer. The same records are then
    /// delivered again, here or to the next owner. Dropping a future stops no thread and no child
    /// process: what was started outside it is the processor's own to stop, by
    /// [`LeaseHandle::lost`].
    async fn process(
        &mut self,
        batch: RecordBatch,
        lease: &LeaseHandle,
    ) -> Result<(), ProcessorError>;

    /// Called once, when no more batches will come.
    ///
    /// # Errors
    /// At [`Stop::ShardEnd`] an error is retried like a batch's: the end of the shard is written
    /// once it is acknowledged. Elsewhere it is logged.
    ///
    /// # Panics
    /// At [`Stop::ShardEnd`] as in [`Self::process`]; elsewhere a panic is logged.
    async fn stop(&mut self, _reason: Stop, _lease: &LeaseHandle) -> Result<(), ProcessorError> {
        Ok(())
    }
}

/// Why no more batches will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// The shard has ended: every record was delivered (`shardEnded`).
    ShardEnd,
    /// The lease goes to another worker, or this one leaves (`shutdownRequested`). Checkpoints are
    /// still taken.
    Leaving {
        /// After how long this call is dropped: what is left of `handoff_timeout` when the lease
        /// moves, and no more than what is left of `shutdown_grace` when the worker leaves.
        within: Duration,
    },
    /// The lease is lost (`leaseLost`): no checkpoint is taken any more.
    Lost,
}
