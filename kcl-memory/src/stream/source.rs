//! The stream, as its consumers see it.

use async_trait::async_trait;
use kcl_core::stream::{
    Shard, ShardId, ShardReader, SourceErrorKind, SourceResult, StartAt, StreamDescription,
    StreamKey, StreamName, StreamSource,
};

use super::{memory::MemoryStream, options::StreamOp, reader::MemoryReader};

#[async_trait]
impl StreamSource for MemoryStream {
    async fn describe(&self) -> SourceResult<StreamDescription> {
        self.arrive(StreamOp::Describe, None).await?;
        let mut state = self.state();
        let retention = state.retention;
        let life = state.life().map_err(|why| self.error(StreamOp::Describe.name(), why))?;
        let key = life.key.clone();
        let name = key.name.parse::<StreamName>().map_err(|invalid| {
            let why = (SourceErrorKind::Misconfigured, invalid.to_string());
            self.error(StreamOp::Describe.name(), why)
        })?;
        Ok(StreamDescription::new(name, key, retention, self.now()))
    }

    async fn prepare(&self) -> SourceResult<()> {
        self.arrive(StreamOp::Prepare, None).await
    }

    async fn shards(&self) -> SourceResult<Vec<Shard>> {
        self.arrive(StreamOp::Shards, None).await?;
        let mut state = self.state();
        let life = state.life().map_err(|why| self.error(StreamOp::Shards.name(), why))?;
        Ok(life.shards.values().map(|log| log.shard.clone()).collect())
    }

    async fn open(
        &self,
        stream: &StreamKey,
        shard: &ShardId,
        at: StartAt,
    ) -> SourceResult<Box<dyn ShardReader>> {
        self.arrive(StreamOp::Open, Some(shard)).await?;
        let mut state = self.state();
        let opened = state.life().and_then(|life| {
            if life.key != *stream {
                let why = format!("this is {}, not {stream}", life.key);
                return Err((SourceErrorKind::OtherStream, why));
            }
            MemoryReader::open(self, life, shard, at)
        });
        let reader = opened.map_err(|why| self.error(StreamOp::Open.name(), why))?;
        Ok(Box::new(reader))
    }
}
