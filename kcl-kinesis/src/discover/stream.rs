//! One stream, as the source and its readers share it.

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
    /// As last described, in milliseconds.
    retention: AtomicU64,
    /// As last described.
    key: BriefMutex<Option<StreamKey>>,
    /// Held by the reader that lists on behalf of all that wait for it.
    learning: Mutex<()>,
}

impl Stream {
    pub(crate) fn new(service: Service, env: Env) -> Self {
        let retention = AtomicU64::new(millis(LEAST_RETENTION));
        let registry = ShardRegistry::default();
        let (key, learning) = (BriefMutex::default(), Mutex::new(()));
        Self { service, env, registry, retention, key, learning }
    }

    pub(crate) async fn describe(&self) -> SourceResult<StreamDescription> {
        let outcome = listing::patiently(&self.env, || self.service.describe()).await;
        let description = outcome.map_err(|failure| {
            failure.during("DescribeStreamSummary", self.service.stream().to_string())
        })?;
        self.retention.store(millis(description.retention), Ordering::Relaxed);
        self.is_described_as(&description.key);
        Ok(description)
    }

    pub(crate) fn is_described_as(&self, key: &StreamKey) {
        *self.key.lock().unwrap_or_else(PoisonError::into_inner) = Some(key.clone());
    }

    /// Makes sure that this is the stream `wanted`, in that life: a stream that was described
    /// otherwise, or never, is described anew.
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

    pub(crate) async fn shards(&self) -> SourceResult<Vec<Shard>> {
        let shards = listing::shards(&self.service, &self.env).await;
        let shards = shards
            .map_err(|failure| failure.during("ListShards", self.service.stream().to_string()))?;
        self.registry.replace(&shards);
        Ok(shards)
    }

    /// These shards are new.
    pub(crate) fn add(&self, new: &[Shard]) {
        self.registry.add(new);
    }

    /// The hash range of a shard, where known.
    pub(crate) fn range(&self, shard: &ShardId) -> Option<HashRange> {
        self.registry.range(shard)
    }

    /// How long records are kept, as far as known.
    pub(crate) fn retention(&self) -> Duration {
        Duration::from_millis(self.retention.load(Ordering::Relaxed))
    }

    /// The hash range of a shard that no listing has shown yet; `None` if none shows it. However
    /// many readers ask, they ask the service once.
    pub(crate) async fn learn_range(&self, shard: &ShardId) -> SourceResult<Option<HashRange>> {
        let _waiting = self.learning.lock().await;
        if self.registry.range(shard).is_none() {
            self.shards().await?;
        }
        Ok(self.registry.range(shard))
    }

    /// The error for a failed call about `shard`. The service has one code for a stream and for a
    /// shard that is not there, and its message is no contract: ask for the stream.
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
