//! Wraps a stream source so that the seam gets each of its calls, with outcome and duration.

use std::{sync::Arc, thread};

use async_trait::async_trait;

use super::{
    observer::{SourceCallEnd, SourceCallEnded, Subject},
    seam::Seam,
};
use crate::{
    env::{Time, WallTime},
    lease::LeaseKey,
    stream::{
        Batch, ByteLimit, ReadEvent, Shard, ShardId, ShardReader, SourceResult, StartAt,
        StreamDescription, StreamKey, StreamSource,
    },
};

/// A source that reports each call to the seam.
#[derive(Clone, Debug)]
pub(crate) struct WatchedSource {
    inner: Arc<dyn StreamSource>,
    seam: Seam,
}

impl WatchedSource {
    pub(crate) const fn new(inner: Arc<dyn StreamSource>, seam: Seam) -> Self {
        Self { inner, seam }
    }
}

/// A reader that reports each call to the seam, except `ready`.
#[derive(Debug)]
struct WatchedReader {
    inner: Box<dyn ShardReader>,
    seam: Seam,
    about: Subject,
}

/// A call under way. If it is dropped without an end, the call was abandoned or panicked.
struct Pending<'a> {
    seam: &'a Seam,
    about: &'a Subject,
    op: &'static str,
    began: Time,
    is_told: bool,
}

/// The figures of the answer to a `next`.
#[derive(Clone, Copy, Default)]
struct Brought {
    records: usize,
    bytes: u64,
    millis_behind: Option<u64>,
    last_arrival: Option<WallTime>,
}

impl Brought {
    fn of(batch: &Batch) -> Self {
        Self {
            records: batch.records.len(),
            bytes: batch.records.iter().map(|record| record.data.len() as u64).sum(),
            millis_behind: batch.millis_behind,
            last_arrival: batch.records.last().and_then(|record| record.arrival),
        }
    }
}

impl<'a> Pending<'a> {
    fn new(seam: &'a Seam, about: &'a Subject, op: &'static str) -> Self {
        Self { seam, about, op, began: seam.now(), is_told: false }
    }

    fn end<T>(self, answer: &SourceResult<T>) {
        let end = answer.as_ref().map_or_else(SourceCallEnd::Failed, |_| SourceCallEnd::Done);
        self.end_as(end, Brought::default());
    }

    fn end_as(mut self, end: SourceCallEnd<'_>, brought: Brought) {
        self.tell(end, brought);
    }

    fn tell(&mut self, end: SourceCallEnd<'_>, brought: Brought) {
        self.is_told = true;
        let Brought { records, bytes, millis_behind, last_arrival } = brought;
        let (op, took) = (self.op, self.seam.now().since(self.began));
        let call = SourceCallEnded { op, end, took, records, bytes, millis_behind, last_arrival };
        self.seam.source_call(self.about, &call);
    }
}

/// Reports a call whose future was dropped, or which panicked.
impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if self.is_told {
            return;
        }
        let panics = thread::panicking();
        let end = if panics { SourceCallEnd::Panicked } else { SourceCallEnd::Abandoned };
        self.tell(end, Brought::default());
    }
}

#[async_trait]
impl StreamSource for WatchedSource {
    async fn describe(&self) -> SourceResult<StreamDescription> {
        let pending = Pending::new(&self.seam, self.seam.subject(), "describe");
        let answer = self.inner.describe().await;
        pending.end(&answer);
        answer
    }

    async fn prepare(&self) -> SourceResult<()> {
        let pending = Pending::new(&self.seam, self.seam.subject(), "prepare");
        let answer = self.inner.prepare().await;
        pending.end(&answer);
        answer
    }

    async fn shards(&self) -> SourceResult<Vec<Shard>> {
        let pending = Pending::new(&self.seam, self.seam.subject(), "shards");
        let answer = self.inner.shards().await;
        pending.end(&answer);
        answer
    }

    async fn open(
        &self,
        stream: &StreamKey,
        shard: &ShardId,
        at: StartAt,
    ) -> SourceResult<Box<dyn ShardReader>> {
        let about = self.seam.subject().of_lease(&LeaseKey::of_shard(stream, shard));
        let pending = Pending::new(&self.seam, &about, "open");
        let answer = self.inner.open(stream, shard, at).await;
        pending.end(&answer);
        let (inner, seam) = (answer?, self.seam.clone());
        Ok(Box::new(WatchedReader { inner, seam, about }))
    }
}

#[async_trait]
impl ShardReader for WatchedReader {
    fn size_hint(&self) -> ByteLimit {
        self.inner.size_hint()
    }

    /// Not reported: the wait may take as long as an idle shard stays idle.
    async fn ready(&mut self) {
        self.inner.ready().await;
    }

    async fn next(&mut self, room: ByteLimit) -> SourceResult<ReadEvent> {
        let pending = Pending::new(&self.seam, &self.about, "next");
        let answer = self.inner.next(room).await;
        let (end, brought) = match &answer {
            Ok(ReadEvent::Batch(batch)) => (SourceCallEnd::Done, Brought::of(batch)),
            Ok(ReadEvent::Lost { .. }) => (SourceCallEnd::Lost, Brought::default()),
            Ok(ReadEvent::Standstill { .. }) => (SourceCallEnd::Standstill, Brought::default()),
            Ok(ReadEvent::End { .. }) => (SourceCallEnd::ShardEnded, Brought::default()),
            Err(error) => (SourceCallEnd::Failed(error), Brought::default()),
        };
        pending.end_as(end, brought);
        answer
    }

    async fn close(self: Box<Self>) {
        let Self { inner, seam, about } = *self;
        let pending = Pending::new(&seam, &about, "close");
        inner.close().await;
        pending.end(&Ok(()));
    }
}
