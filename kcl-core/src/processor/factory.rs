//! Making processors.

use std::{fmt, future::Future, marker::PhantomData};

use async_trait::async_trait;

use super::{LeaseHandle, ProcessorError, RecordBatch, RecordProcessor};

/// Makes a processor for each lease. Implemented by any `Fn(&LeaseHandle) -> P`.
pub trait ProcessorFactory: Send + Sync + 'static {
    /// A processor for a lease that was just gained.
    fn create(&self, lease: &LeaseHandle) -> Box<dyn RecordProcessor>;

    /// Whether its processors commit the checkpoints themselves, with their effects: then, and only
    /// then, the settings have to say [`crate::settings::ProgressMode::Transactional`].
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

/// A factory of processors that hand every batch to `work`, an async closure.
pub fn from_batches<F, R>(work: F) -> impl ProcessorFactory
where
    F: Fn(RecordBatch) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<(), ProcessorError>> + Send + 'static,
{
    move |_: &LeaseHandle| PerBatch { work: work.clone(), result: PhantomData }
}

/// A closure as a processor.
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
