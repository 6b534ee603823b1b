//! Kinesis as a source of the worker.

use std::sync::Arc;

use async_trait::async_trait;
use kcl_core::stream::{
    Shard, ShardId, ShardReader, SourceResult, StartAt, StreamDescription, StreamKey, StreamSource,
};

use crate::{
    discover::Stream,
    retrieve::{Polling, PollingReader},
};

/// A Kinesis data stream.
///
/// ```no_run
/// use kcl_kinesis::KinesisSource;
///
/// let orders = KinesisSource::new("orders")?;
/// let local = KinesisSource::builder("orders")
///     .endpoint_url("http://127.0.0.1:4568")
///     .region("eu-west-1")
///     .build()?;
/// # Ok::<(), kcl_kinesis::InvalidSettings>(())
/// ```
#[derive(Clone, Debug)]
pub struct KinesisSource {
    stream: Arc<Stream>,
    polling: Arc<Polling>,
}

impl KinesisSource {
    pub(crate) fn of(stream: Stream, polling: Polling) -> Self {
        Self { stream: Arc::new(stream), polling: Arc::new(polling) }
    }

    /// As if the stream had been described so.
    #[cfg(test)]
    pub(crate) fn is_described_as(&self, key: &StreamKey) {
        self.stream.is_described_as(key);
    }
}

#[async_trait]
impl StreamSource for KinesisSource {
    async fn describe(&self) -> SourceResult<StreamDescription> {
        self.stream.describe().await
    }

    async fn shards(&self) -> SourceResult<Vec<Shard>> {
        let shards = self.stream.shards().await?;
        self.polling.keep(&shards);
        Ok(shards)
    }

    /// Sends nothing, if the stream was described before and is still the same: whether the shard
    /// exists is learned by the first read.
    async fn open(
        &self,
        stream: &StreamKey,
        shard: &ShardId,
        at: StartAt,
    ) -> SourceResult<Box<dyn ShardReader>> {
        self.stream.make_sure_it_is(stream).await?;
        let (stream, polling) = (Arc::clone(&self.stream), Arc::clone(&self.polling));
        Ok(Box::new(PollingReader::new(stream, polling, shard.clone(), at)))
    }
}
