//! A stream that is listed, and cannot be read: for what looks at lists of shards alone.

use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use kcl_core::{
    env::WallTime,
    stream::{
        Shard, ShardId, ShardReader, SourceError, SourceErrorKind, SourceResult, StartAt,
        StreamDescription, StreamKey, StreamSource,
    },
};

/// Such a stream.
#[derive(Debug)]
pub struct ListedStream {
    description: StreamDescription,
    shards: Vec<Shard>,
}

impl ListedStream {
    /// A stream of this name and these shards, made at one time and looked at when it is another.
    ///
    /// # Errors
    /// No stream can have that name.
    pub fn new(name: &str, created: WallTime, now: WallTime, shards: Vec<Shard>) -> Result<Self> {
        let (key, day) = (StreamKey::new(name, created), Duration::from_hours(24));
        Ok(Self { description: StreamDescription::new(name.parse()?, key, day, now), shards })
    }

    /// Its key.
    #[must_use]
    pub const fn key(&self) -> &StreamKey {
        &self.description.key
    }
}

#[async_trait]
impl StreamSource for ListedStream {
    async fn describe(&self) -> SourceResult<StreamDescription> {
        Ok(self.description.clone())
    }

    async fn shards(&self) -> SourceResult<Vec<Shard>> {
        Ok(self.shards.clone())
    }

    async fn open(
        &self,
        _: &StreamKey,
        shard: &ShardId,
        _: StartAt,
    ) -> SourceResult<Box<dyn ShardReader>> {
        Err(SourceError::new(SourceErrorKind::NoShard, "open", shard.as_str()))
    }
}
