//! The trait that a user implements to process records.

use std::time::Duration;

use async_trait::async_trait;

use super::{LeaseHandle, ProcessorError, RecordBatch};
use crate::settings::ProgressMode;

/// Processes the records of one shard under one lease (`ShardRecordProcessor` in the Java KCL).
///
/// A [`super::ProcessorFactory`] makes one processor for each lease when the worker acquires the
/// lease. The worker drops the processor when the lease is lost or released. Calls on one processor
/// never overlap.
#[async_trait]
pub trait RecordProcessor: Send + 'static {
    /// The progress mode of this lease: [`ProgressMode::Automatic`] or [`ProgressMode::Manual`].
    /// `None` means the mode of the settings. The worker asks once for each lease. It ignores the
    /// answer if the settings say [`ProgressMode::Transactional`], and it ignores that answer if
    /// the settings say another mode.
    fn progress(&self) -> Option<ProgressMode> {
        None
    }

    /// Called once after the processor was made, before the first batch. The worker does not wait
    /// for records before this call.
    ///
    /// # Errors
    /// Any. The worker calls again after a pause, for as long as it holds the lease.
    async fn start(&mut self, _lease: &LeaseHandle) -> Result<(), ProcessorError> {
        Ok(())
    }

    /// Processes a batch. In automatic mode `Ok` means that every record of the batch is processed,
    /// and the worker checkpoints after the last of them.
    ///
    /// # Errors
    /// Any. The worker delivers the batch again, as the failure policy says. It treats
    /// [`super::Forgotten`] like a panic.
    ///
    /// # Panics
    /// A panic counts as an error, and the worker makes a new processor. Other shards go on. With
    /// manual checkpoints the worker delivers all records after the last checkpoint again.
    ///
    /// # Cancel safety
    /// The worker drops the future when the lease is lost, when it cannot keep its session alive in
    /// time, and when a handoff or a shutdown waits no longer; with the setting `finish_batch` it
    /// lets the future end. It also drops a future that hangs in a record which the operator gives
    /// up. After a drop the records are delivered again, by this worker or by the next owner. A
    /// dropped future stops no thread and no child process: a processor that starts one stops it at
    /// [`LeaseHandle::lost`].
    async fn process(
        &mut self,
        batch: RecordBatch,
        lease: &LeaseHandle,
    ) -> Result<(), ProcessorError>;

    /// Called after the last batch. `Ok` at [`Stop::ShardEnd`] acknowledges that every record of
    /// the shard is processed: only then the worker writes the end of the shard, and only then the
    /// fleet reads its child shards.
    ///
    /// # Errors
    /// At [`Stop::ShardEnd`] the worker calls again after a pause, for as long as it holds the
    /// lease. For the other reasons it logs the error and does not call again.
    ///
    /// # Panics
    /// At [`Stop::ShardEnd`] the same as [`Self::process`]. For the other reasons the worker logs
    /// the panic.
    async fn stop(&mut self, _reason: Stop, _lease: &LeaseHandle) -> Result<(), ProcessorError> {
        Ok(())
    }
}

/// Why a processor gets no more batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// The shard has ended and the worker has delivered every record (`shardEnded` in the Java
    /// KCL).
    ShardEnd,
    /// The lease moves to another worker, or this worker leaves (`shutdownRequested` in the Java
    /// KCL). The processor may still take checkpoints.
    Leaving {
        /// The worker drops this call after this time: the rest of `handoff_timeout` when the lease
        /// moves, and at most the rest of `shutdown_grace` when the worker leaves.
        within: Duration,
    },
    /// The lease is lost (`leaseLost` in the Java KCL). Every checkpoint fails.
    Lost,
}
