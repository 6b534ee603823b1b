//! The stream, as one process sees it: far away, sometimes throttled, and watched.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use kcl_core::{
    env::Rng,
    stream::{
        ByteLimit, ReadEvent, Shard, ShardId, ShardReader, SourceError, SourceErrorKind,
        SourceResult, StartAt, StreamDescription, StreamKey, StreamSource,
    },
};
use tokio::time::Instant;

use super::{Process, active_faults::ActiveFaults};
use crate::{
    MemoryStream,
    sim::live::{ledger::Book, plan::Fault},
};

/// A process's way to the stream. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Tap {
    pub(super) stream: MemoryStream,
    pub(super) process: Process,
    pub(super) active_faults: ActiveFaults,
    pub(super) book: Book,
    pub(super) latency: Duration,
    pub(super) rng: Arc<Mutex<Rng>>,
}

impl Tap {
    /// A request's way there, and whether it fails.
    async fn travel(&self, op: &'static str) -> SourceResult<()> {
        let (takes, failure) = {
            let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
            let takes = Duration::from_millis(1) + rng.span(self.latency);
            match (self.active_faults.is(Fault::StreamErrors), rng.below(8)) {
                (true, 0 | 1) => (takes, Some(SourceErrorKind::Throttled)),
                (true, 2) => (takes, Some(SourceErrorKind::Unavailable)),
                (true, 3) => (takes + rng.span(Duration::from_secs(4)), None),
                _ => (takes, None),
            }
        };
        tokio::time::sleep_until(Instant::now() + takes).await;
        let subject = self.process.name();
        failure.map_or(Ok(()), |kind| {
            Err(SourceError::new(kind, op, subject).caused_by("a fault put there on purpose"))
        })
    }
}

#[async_trait]
impl StreamSource for Tap {
    async fn describe(&self) -> SourceResult<StreamDescription> {
        self.travel("DescribeStreamSummary").await?;
        self.stream.describe().await
    }

    async fn prepare(&self) -> SourceResult<()> {
        self.travel("Prepare").await?;
        self.stream.prepare().await
    }

    async fn shards(&self) -> SourceResult<Vec<Shard>> {
        self.travel("ListShards").await?;
        self.stream.shards().await
    }

    async fn open(
        &self,
        stream: &StreamKey,
        shard: &ShardId,
        at: StartAt,
    ) -> SourceResult<Box<dyn ShardReader>> {
        self.travel("GetShardIterator").await?;
        let reader = self.stream.open(stream, shard, at).await?;
        self.book.ledger().read_anew(&self.process, shard);
        Ok(Box::new(TapReader { tap: self.clone(), shard: shard.clone(), reader: Some(reader) }))
    }
}

#[derive(Debug)]
struct TapReader {
    tap: Tap,
    shard: ShardId,
    /// Until it is closed.
    reader: Option<Box<dyn ShardReader>>,
}

impl TapReader {
    fn reader(&mut self) -> SourceResult<&mut dyn ShardReader> {
        let closed = || SourceError::new(SourceErrorKind::Misconfigured, "GetRecords", "closed");
        Ok(&mut **self.reader.as_mut().ok_or_else(closed)?)
    }
}

/// A worker closes each of its readers; only a process that dies does not.
impl Drop for TapReader {
    fn drop(&mut self) {
        if self.reader.is_some() && !self.tap.process.is_dead() {
            self.tap.book.ledger().unclosed(&self.tap.process, &self.shard);
        }
    }
}

#[async_trait]
impl ShardReader for TapReader {
    fn size_hint(&self) -> ByteLimit {
        self.reader.as_ref().map_or(ByteLimit(0), |reader| reader.size_hint())
    }

    async fn ready(&mut self) {
        if let Ok(reader) = self.reader() {
            reader.ready().await;
        }
    }

    async fn next(&mut self, room: ByteLimit) -> SourceResult<ReadEvent> {
        self.tap.travel("GetRecords").await?;
        let event = self.reader()?.next(room).await?;
        if let ReadEvent::Batch(batch) = &event {
            self.tap.book.ledger().read(&self.tap.process, &self.shard, batch.weight());
        }
        Ok(event)
    }
    async fn close(mut self: Box<Self>) {
        if let Some(reader) = self.reader.take() {
            reader.close().await;
        }
    }
}
