//! [`Stream`]: the state that a source shares with its readers.

use std::{
    sync::{
        Mutex as BriefMutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use kcl_core::{
    env::Env,
    stream::{
        HashRange, Shard, ShardId, SourceError, SourceErrorKind, SourceResult, StreamDescription,
        StreamKey,
    },
};
use tokio::sync::Mutex;

use super::{listing, registry::ShardRegistry};
use crate::service::{Failure, LEAST_RETENTION, Service};

#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) service: Service,
    pub(crate) env: Env,
    registry: ShardRegistry,
    /// The retention in the last description, in milliseconds.
    retention: AtomicU64,
    /// The identity of the stream in the last description.
    key: BriefMutex<Option<StreamKey>>,
    /// Held by the reader that lists the shards, while the other readers wait for the result.
    learning: Mutex<()>,
}

impl Stream {
    pub(crate) fn new(service: Service, env: Env) -> Self {
        let retention = AtomicU64::new(millis(LEAST_RETENTION));
        let registry = ShardRegistry::default();
        let (key, learning) = (BriefMutex::default(), Mutex::new(()));
        Self { service, env, registry, retention, key, learning }
    }

    /// Describes the stream, and remembers its key and retention. Repeats a throttled call.
    pub(crate) async fn describe(&self) -> SourceResult<StreamDescription> {
        let outcome = listing::patiently(&self.env, || self.service.describe()).await;
        let description = outcome.map_err(|failure| {
            failure.during("DescribeStreamSummary", self.service.stream().to_string())
        })?;
        self.retention.store(millis(description.retention), Ordering::Relaxed);
        self.is_described_as(&description.key);
        Ok(description)
    }

    /// Remembers the key of the stream.
    pub(crate) fn is_described_as(&self, key: &StreamKey) {
        *self.key.lock().unwrap_or_else(PoisonError::into_inner) = Some(key.clone());
    }

    /// Returns an error unless the stream has the key `wanted` (a stream that was deleted and
    /// created again has another key). Describes the stream again if the last description has
    /// another key or if there is none.
    pub(crate) async fn make_sure_it_is(&self, wanted: &StreamKey) -> SourceResult<()> {
        let known = self.key.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if known.as_ref() == Some(wanted) {
            return Ok(());
        }
        let now = self.describe().await?.key;
        if now == *wanted {
            return Ok(());
        }
        let error =
            SourceError::new(SourceErrorKind::OtherStream, "GetShardIterator", wanted.to_string());
        Err(error.caused_by(format!("this is {now}")))
    }

    /// Lists all shards, and remembers their hash ranges.
    pub(crate) async fn shards(&self) -> SourceResult<Vec<Shard>> {
        let shards = listing::shards(&self.service, &self.env).await;
        let shards = shards
            .map_err(|failure| failure.during("ListShards", self.service.stream().to_string()))?;
        self.registry.replace(&shards);
        Ok(shards)
    }

    /// Adds new shards to those whose hash range is known.
    pub(crate) fn add(&self, new: &[Shard]) {
        self.registry.add(new);
    }

    /// The hash range of a shard; `None` if it is not known. Sends no request.
    pub(crate) fn range(&self, shard: &ShardId) -> Option<HashRange> {
        self.registry.range(shard)
    }

    /// The retention in the last description; 24 hours before the first one.
    pub(crate) fn retention(&self) -> Duration {
        Duration::from_millis(self.retention.load(Ordering::Relaxed))
    }

    /// The hash range of a shard, after a new listing if it is not known; `None` if the listing has
    /// no hash range for it either. Of many readers that ask at the same time, only the first one
    /// lists if its listing has the ranges of all.
    pub(crate) async fn learn_range(&self, shard: &ShardId) -> SourceResult<Option<HashRange>> {
        let _waiting = self.learning.lock().await;
        if self.registry.range(shard).is_none() {
            self.shards().await?;
        }
        Ok(self.registry.range(shard))
    }

    /// The error for a failed call about `shard`. The service has the same error code for a missing
    /// stream and a missing shard, and its messages may change: so this describes the stream to
    /// find out which of them is missing.
    pub(crate) async fn explain(
        &self,
        op: &'static str,
        shard: &ShardId,
        failure: Failure,
    ) -> SourceError {
        let subject = format!("{shard} of {}", self.service.stream());
        if failure.kind() != SourceErrorKind::NoStream {
            return failure.during(op, subject);
        }
        match self.describe().await {
            Ok(_) => failure.of_kind(SourceErrorKind::NoShard).during(op, subject),
            Err(error) => error,
        }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
