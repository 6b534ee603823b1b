//! Makes one processor for each lease.

use std::{fmt, future::Future, marker::PhantomData};

use async_trait::async_trait;

use super::{LeaseHandle, ProcessorError, RecordBatch, RecordProcessor};

/// Makes a processor for each lease (`ShardRecordProcessorFactory` in the Java KCL). Any
/// `Fn(&LeaseHandle) -> P` with `P: RecordProcessor` is a factory.
pub trait ProcessorFactory: Send + Sync + 'static {
    /// Makes the processor of a lease that the worker has just acquired, or a new one after the
    /// former panicked or returned [`super::Forgotten`]. [`LeaseHandle::resumes_at`] is the
    /// checkpoint before its first record.
    ///
    /// # Panics
    /// After a panic the worker gives the lease back.
    fn create(&self, lease: &LeaseHandle) -> Box<dyn RecordProcessor>;

    /// Whether the processors commit their checkpoints themselves, together with their effects. It
    /// must be `true` exactly if the settings say
    /// [`crate::settings::ProgressMode::Transactional`]; otherwise the worker is not built.
    fn commits_checkpoints(&self) -> bool {
        false
    }
}

impl<F, P> ProcessorFactory for F
where
    F: Fn(&LeaseHandle) -> P + Send + Sync + 'static,
    P: RecordProcessor,
{
    fn create(&self, lease: &LeaseHandle) -> Box<dyn RecordProcessor> {
        Box::new(self(lease))
    }
}

/// Makes a factory whose processors pass every batch to `work`, an async closure. Each processor
/// has its own clone of `work`.
pub fn from_batches<F, R>(work: F) -> impl ProcessorFactory
where
    F: Fn(RecordBatch) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<(), ProcessorError>> + Send + 'static,
{
    move |_: &LeaseHandle| PerBatch { work: work.clone(), result: PhantomData }
}

/// A processor that calls a closure.
struct PerBatch<F, R> {
    work: F,
    result: PhantomData<fn() -> R>,
}

impl<F, R> fmt::Debug for PerBatch<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PerBatch")
    }
}

#[async_trait]
impl<F, R> RecordProcessor for PerBatch<F, R>
where
    F: Fn(RecordBatch) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), ProcessorError>> + Send + 'static,
{
    async fn process(
        &mut self,
        batch: RecordBatch,
        _lease: &LeaseHandle,
    ) -> Result<(), ProcessorError> {
        (self.work)(batch).await
    }
}
