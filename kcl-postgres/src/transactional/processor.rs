//! What the user writes: a processor whose effects are in the database.

use async_trait::async_trait;
use kcl_core::processor::{LeaseHandle, ProcessorError, RecordBatch, Stop};
use sqlx::PgConnection;

/// Processes the records of one shard, with its effects in the database that keeps the leases.
///
/// Each batch is a transaction: its effects and its checkpoint commit together, so that every
/// record takes effect exactly once, whoever dies when. Effects elsewhere (calls, files, other
/// databases) are at least once; give them [`LeaseHandle::fence`] and the position as a key.
///
/// The rows show how late a lease is, but not its rate. Weighted assignment knows that all the
/// same, from what the workers tell of their loads.
///
/// Made into a processor of a worker by [`super::transactional`].
#[async_trait]
pub trait TxProcessor: Send + 'static {
    /// Called once, before the first batch.
    ///
    /// # Errors
    /// Any: called again after a pause, for as long as the lease is held.
    async fn start(&mut self, _lease: &LeaseHandle) -> Result<(), ProcessorError> {
        Ok(())
    }

    /// Processes a batch. What is done on `effects` commits with the batch's checkpoint when this
    /// returns `Ok`, and is undone in every other case.
    ///
    /// The transaction is the library's: it begins before this and ends after it. Transactions
    /// begun on `effects` by [`sqlx::Connection::begin`] are savepoints within. A processor that
    /// ends it by a statement of its own (`commit`) is not called again under this lease, since
    /// that would repeat effects. What it sets on the connection for longer than the transaction
    /// (`set` without `local`) stays for later batches of any shard. `notify` in it makes all
    /// commits of the database wait for each other.
    ///
    /// # Errors
    /// Any: the effects are undone, and the batch is delivered again by the failure policy. After
    /// a failed statement nothing more can be done but to return its error.
    ///
    /// # Panics
    /// As an error.
    ///
    /// # Cancel safety
    /// The future is dropped when the lease is lost and when a handover does not wait any longer.
    /// Its effects are then undone.
    async fn process(
        &mut self,
        batch: RecordBatch,
        effects: &mut PgConnection,
        lease: &LeaseHandle,
    ) -> Result<(), ProcessorError>;

    /// Called once, when no more batches will come.
    ///
    /// # Errors
    /// As those of [`kcl_core::processor::RecordProcessor::stop`].
    async fn stop(&mut self, _reason: Stop, _lease: &LeaseHandle) -> Result<(), ProcessorError> {
        Ok(())
    }
}

/// Makes a processor for each lease. Implemented by any `Fn(&LeaseHandle) -> P`.
pub trait TxFactory: Send + Sync + 'static {
    /// A processor for a lease that was just gained.
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
