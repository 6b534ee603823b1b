//! Kinesis as a source of the worker.

use std::sync::Arc;

use async_trait::async_trait;
use kcl_core::stream::{
    Shard, ShardId, ShardReader, SourceResult, StartAt, StreamDescription, StreamSource,
};

use crate::{
    builder::{InvalidSettings, KinesisSourceBuilder},
    polling::PollingReader,
    stream::Stream,
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
pub struct KinesisSource(Arc<Stream>);

impl KinesisSource {
    /// The stream of this name or ARN, with AWS's default configuration and default settings.
    ///
    /// # Errors
    /// [`InvalidSettings`] if this is no name.
    pub fn new(stream: impl Into<String>) -> Result<Self, InvalidSettings> {
        Self::builder(stream).build()
    }

    /// The stream of this name or ARN, to be set up.
    pub fn builder(stream: impl Into<String>) -> KinesisSourceBuilder {
        KinesisSourceBuilder::new(stream.into())
    }

    pub(crate) fn of(stream: Stream) -> Self {
        Self(Arc::new(stream))
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

    /// Sends nothing: whether the shard exists is learned by the first read.
    async fn open(&self, shard: &ShardId, at: StartAt) -> SourceResult<Box<dyn ShardReader>> {
        Ok(Box::new(PollingReader::new(Arc::clone(&self.0), shard.clone(), at)))
    }
}
