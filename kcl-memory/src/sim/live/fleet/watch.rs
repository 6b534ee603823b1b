//! The user's processor, with somebody who looks over its shoulder.

use async_trait::async_trait;
use kcl_core::processor::{
    LeaseHandle, ProcessorError, ProcessorFactory, RecordBatch, RecordProcessor, Stop,
};

use super::{Process, event_listener::EventListener};
use crate::sim::live::ledger::{Book, Ended};

/// Makes watched processors.
pub(super) struct Watch {
    pub(super) inner: Box<dyn ProcessorFactory>,
    pub(super) process: Process,
    pub(super) book: Book,
    pub(super) listener: EventListener,
}

impl ProcessorFactory for Watch {
    fn create(&self, lease: &LeaseHandle) -> Box<dyn RecordProcessor> {
        self.listener.hear(self.process.name(), &self.book);
        self.book.ledger().gained(&self.process, lease);
        Box::new(Watched {
            inner: self.inner.create(lease),
            process: self.process.clone(),
            book: self.book.clone(),
            listener: self.listener.clone(),
            lease: lease.clone(),
        })
    }

    fn commits_checkpoints(&self) -> bool {
        self.inner.commits_checkpoints()
    }
}

struct Watched {
    inner: Box<dyn RecordProcessor>,
    process: Process,
    book: Book,
    listener: EventListener,
    lease: LeaseHandle,
}

#[async_trait]
impl RecordProcessor for Watched {
    async fn start(&mut self, lease: &LeaseHandle) -> Result<(), ProcessorError> {
        self.inner.start(lease).await
    }

    async fn process(
        &mut self,
        batch: RecordBatch,
        lease: &LeaseHandle,
    ) -> Result<(), ProcessorError> {
        // A loss that was told explains a hole.
        self.listener.hear(self.process.name(), &self.book);
        self.book.ledger().dispatched(&self.process, &batch);
        // Whether it ends by itself, panics or is dropped.
        let mut dispatch =
            Dispatch { watched: (&self.process, &self.book), batch: batch.clone(), ended: None };
        let result = self.inner.process(batch, lease).await;
        dispatch.ended = Some(match &result {
            Ok(()) => Ended::Acknowledged,
            Err(error) => Ended::Failed(error.to_string()),
        });
        drop(dispatch);
        result
    }

    async fn stop(&mut self, reason: Stop, lease: &LeaseHandle) -> Result<(), ProcessorError> {
        let result = self.inner.stop(reason, lease).await;
        self.listener.hear(self.process.name(), &self.book);
        if reason == Stop::ShardEnd && result.is_ok() {
            self.book.ledger().end_acknowledged(&self.process, lease);
        }
        result
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.book.ledger().gave_up(&self.process, &self.lease);
    }
}

/// A batch in the processor.
struct Dispatch<'a> {
    watched: (&'a Process, &'a Book),
    batch: RecordBatch,
    ended: Option<Ended>,
}

impl Drop for Dispatch<'_> {
    fn drop(&mut self) {
        let (process, book) = self.watched;
        let ended = self.ended.take().unwrap_or(Ended::Dropped);
        book.ledger().dispatch_ended(process, &self.batch, ended);
    }
}
