//! [`KinesisSource`], the implementation of [`StreamSource`] for Kinesis.

use std::sync::Arc;

use async_trait::async_trait;
use kcl_core::stream::{
    Shard, ShardId, ShardReader, SourceResult, StartAt, StreamDescription, StreamKey, StreamSource,
};

use crate::{
    discover::Stream,
    retrieve::{Polling, PollingReader},
};

/// A Kinesis data stream as the source of a worker. Clones share the connections and the rate
/// limits.
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

    /// Sets the identity of the stream, as [`StreamSource::describe`] does.
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

    /// Sends no request if the last description has the key `stream`. A shard that does not exist
    /// is an error of the first read.
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
