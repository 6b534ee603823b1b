//! Processors like users write them, right and wrong.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use kcl_core::{
    processor::{LeaseHandle, ProcessorError, RecordBatch, RecordProcessor, Stop},
    stream::Record,
};
use kcl_memory::sim::{Sink, SinkError};
use tokio::sync::{mpsc, oneshot};

/// Wrong: it buffers records, and takes checkpoints at those it has not written yet.
pub(crate) struct Forgetful {
    sink: Sink,
    buffer: Vec<Record>,
}

impl Forgetful {
    pub(crate) const fn new(sink: Sink) -> Self {
        Self { sink, buffer: Vec::new() }
    }

    async fn flush(&mut self, lease: &LeaseHandle) -> Result<(), ProcessorError> {
        for record in &self.buffer {
            self.sink.write(record, lease.fence()).await?;
        }
        self.buffer.clear();
        Ok(())
    }
}

#[async_trait]
impl RecordProcessor for Forgetful {
    async fn process(
        &mut self,
        batch: RecordBatch,
        lease: &LeaseHandle,
    ) -> Result<(), ProcessorError> {
        self.buffer.extend(batch.iter().cloned());
        if self.buffer.len() >= 25 {
            self.flush(lease).await?;
        }
        if let Some(last) = batch.last() {
            // Of what is in the buffer, nothing is written.
            lease.checkpoint(last).await?;
        }
        Ok(())
    }

    async fn stop(&mut self, reason: Stop, lease: &LeaseHandle) -> Result<(), ProcessorError> {
        if reason == Stop::Lost { Ok(()) } else { self.flush(lease).await }
    }
}

/// Wrong where order or ownership matters: one buffer for all leases of a process, written every
/// few seconds by a task that does not ask whether they are still held.
#[derive(Clone)]
pub(crate) struct Flusher(Arc<Mutex<Vec<(Record, LeaseHandle)>>>);

impl Flusher {
    #[expect(clippy::disallowed_methods, reason = "what users do")]
    pub(crate) fn start(sink: Sink) -> Self {
        let flusher = Self(Arc::default());
        let buffer = Arc::clone(&flusher.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_secs(3)).await;
                let records = std::mem::take(&mut *lock(&buffer));
                for (record, lease) in records {
                    while sink.write(&record, lease.fence()).await.is_err() {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                    // Refused when the lease is lost: the next owner has its own.
                    let _ = lease.checkpoint(&record).await;
                }
            }
        });
        flusher
    }
}

#[async_trait]
impl RecordProcessor for Flusher {
    async fn process(
        &mut self,
        batch: RecordBatch,
        lease: &LeaseHandle,
    ) -> Result<(), ProcessorError> {
        lock(&self.0).extend(batch.iter().map(|record| (record.clone(), lease.clone())));
        Ok(())
    }

    #[expect(clippy::disallowed_methods, reason = "what users do")]
    async fn stop(&mut self, reason: Stop, lease: &LeaseHandle) -> Result<(), ProcessorError> {
        let is_mine = |entry: &(Record, LeaseHandle)| entry.1.fence() == lease.fence();
        while reason == Stop::ShardEnd && lock(&self.0).iter().any(is_mine) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        // The last of them may be in the task's hands.
        tokio::time::sleep(Duration::from_secs(2)).await;
        Ok(())
    }
}

/// Right: a task of its own does the writing, and each batch waits for its answer.
pub(crate) struct Actor(mpsc::Sender<(RecordBatch, oneshot::Sender<Result<(), SinkError>>)>);

impl Actor {
    #[expect(clippy::disallowed_methods, reason = "what users do")]
    pub(crate) fn start(sink: Sink) -> Self {
        let (sender, mut jobs) =
            mpsc::channel::<(RecordBatch, oneshot::Sender<Result<(), SinkError>>)>(1);
        tokio::spawn(async move {
            while let Some((batch, done)) = jobs.recv().await {
                let mut result = Ok(());
                for record in &batch {
                    result = sink.write(record, batch.fence()).await;
                    if result.is_err() || done.is_closed() {
                        break;
                    }
                }
                let _ = done.send(result);
            }
        });
        Self(sender)
    }
}

#[async_trait]
impl RecordProcessor for Actor {
    #[expect(clippy::disallowed_methods, reason = "what users do")]
    async fn process(&mut self, batch: RecordBatch, _: &LeaseHandle) -> Result<(), ProcessorError> {
        let (done, answer) = oneshot::channel();
        self.0.send((batch, done)).await?;
        tokio::time::timeout(Duration::from_secs(60), answer).await???;
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
