//! The trait that a user implements: a processor whose effects are in the database of the leases.

use async_trait::async_trait;
use kcl_core::processor::{LeaseHandle, ProcessorError, RecordBatch, Stop};
use sqlx::PgConnection;

/// Processes the records of one shard, with its effects in the database that keeps the leases.
///
/// Each batch is a transaction: its effects and its checkpoint commit together. So every record
/// takes effect exactly once, whenever a worker dies. Effects elsewhere (calls, files, other
/// databases) happen at least once; give them [`LeaseHandle::fence`] and the position as a key.
///
/// The rows show the lag of a lease, but not its rate; weighted assignment reads the rates from the
/// workers' reports.
///
/// [`super::transactional`] makes a worker's processor from it.
#[async_trait]
pub trait TxProcessor: Send + 'static {
    /// Called once, before the first batch.
    ///
    /// # Errors
    /// Any. The worker calls again after a pause, for as long as it holds the lease.
    async fn start(&mut self, _lease: &LeaseHandle) -> Result<(), ProcessorError> {
        Ok(())
    }

    /// Processes a batch. Effects on `effects` commit with the batch's checkpoint if this returns
    /// `Ok`, and are undone in every other case.
    ///
    /// - The library begins the transaction before this call and ends it afterwards. A transaction
    ///   that [`sqlx::Connection::begin`] begins on `effects` is a savepoint in it.
    /// - A processor that ends the transaction itself (`commit`) is not called again under this
    ///   lease, because another call could repeat its effects.
    /// - A setting of the connection that outlives the transaction (`set` without `local`) stays
    ///   for later batches of any shard.
    /// - `notify` makes all commits of the database wait for each other.
    ///
    /// # Errors
    /// Any. The effects are undone, and the worker delivers the batch again, as the failure policy
    /// says. After a failed statement the transaction accepts no other: return the error.
    ///
    /// # Panics
    /// A panic counts as an error.
    ///
    /// # Cancel safety
    /// The worker drops the future when the lease is lost, and when a handoff waits no longer. Its
    /// effects are then undone.
    async fn process(
        &mut self,
        batch: RecordBatch,
        effects: &mut PgConnection,
        lease: &LeaseHandle,
    ) -> Result<(), ProcessorError>;

    /// Called after the last batch, as [`kcl_core::processor::RecordProcessor::stop`] is.
    ///
    /// # Errors
    /// The same as [`kcl_core::processor::RecordProcessor::stop`].
    async fn stop(&mut self, _reason: Stop, _lease: &LeaseHandle) -> Result<(), ProcessorError> {
        Ok(())
    }
}

/// Makes a processor for each lease. Any `Fn(&LeaseHandle) -> P` with `P: TxProcessor` is a
/// factory.
pub trait TxFactory: Send + Sync + 'static {
    /// Makes the processor of a lease that the worker has just acquired.
    fn create(&self, lease: &LeaseHandle) -> Box<dyn TxProcessor>;
}

impl<F, P> TxFactory for F
where
    F: Fn(&LeaseHandle) -> P + Send + Sync + 'static,
    P: TxProcessor,
{
    fn create(&self, lease: &LeaseHandle) -> Box<dyn TxProcessor> {
        Box::new(self(lease))
    }
}
