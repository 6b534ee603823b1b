//! Kinesis as a source of the worker.

use std::sync::Arc;

use async_trait::async_trait;
use kcl_core::stream::{
    Shard, ShardId, ShardReader, SourceResult, StartAt, StreamDescription, StreamKey, StreamSource,
};

use crate::{polling::PollingReader, stream::Stream};

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
pub struct KinesisSource(Arc<Stream>);

impl KinesisSource {
    pub(crate) fn of(stream: Stream) -> Self {
        Self(Arc::new(stream))
    }

    /// As if the stream had been described so.
    #[cfg(test)]
    pub(crate) fn is_described_as(&self, key: &StreamKey) {
        self.0.is_described_as(key);
    }
}

#[async_trait]
impl StreamSource for KinesisSource {
    async fn describe(&self) -> SourceResult<StreamDescription> {
        self.0.describe().await
    }

    async fn shards(&self) -> SourceResult<Vec<Shard>> {
        self.0.shards().await
    }

    /// Sends nothing, if the stream was described before and is still the same: whether the shard
    /// exists is learned by the first read.
    async fn open(
        &self,
        stream: &StreamKey,
        shard: &ShardId,
        at: StartAt,
    ) -> SourceResult<Box<dyn ShardReader>> {
        self.0.make_sure_it_is(stream).await?;
        Ok(Box::new(PollingReader::new(Arc::clone(&self.0), shard.clone(), at)))
    }
}
