//! The environment of one case: a stream of its own, its source, and helpers to put and read.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::{
    factory::{Made, SourceFactory, StreamBench},
    reading::Reading,
};
use crate::{
    conformance::failure::Failure,
    env::{Clock, Rng},
    explain,
    stream::{HashKey, Position, Shard, StartAt, StreamKey, StreamSource},
};

/// The server under test, with a stream name that no other case uses.
#[derive(Clone)]
pub(super) struct Bench {
    factory: Arc<dyn SourceFactory>,
    name: String,
    seed: u64,
}

/// The stream of a case, with its shards as they were when it was made.
pub(super) struct Stage {
    pub(super) stream: Box<dyn StreamBench>,
    pub(super) source: Arc<dyn StreamSource>,
    pub(super) key: StreamKey,
    /// In the order of their hash keys.
    pub(super) shards: Vec<Shard>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) rng: Rng,
}

impl Bench {
    pub(super) const fn new(factory: Arc<dyn SourceFactory>, name: String, seed: u64) -> Self {
        Self { factory, name, seed }
    }

    /// Makes the case's stream with this number of shards.
    pub(super) async fn stream(self, shards: u32) -> Result<Stage, Failure> {
        let stream = done(self.factory.create(&self.name, shards).await)?;
        let source = stream.source();
        let key = source.describe().await?.key;
        let mut shards = source.shards().await?;
        shards.sort_by_key(|shard| shard.range);
        let (clock, rng) = (self.factory.clock(), Rng::new(self.seed));
        Ok(Stage { stream, source, key, shards, clock, rng })
    }
}

impl Stage {
    /// Puts numbered records into the shard at place `shard`, and returns their positions.
    pub(super) async fn put(
        &self,
        shard: usize,
        numbers: std::ops::Range<u32>,
    ) -> Result<Vec<Position>, Failure> {
        let hash = self.hash(shard)?;
        let mut positions = Vec::new();
        for number in numbers {
            let data = Bytes::from(text(number));
            positions.push(done(self.stream.put(hash, "key", data).await)?);
        }
        Ok(positions)
    }

    /// The first hash key of the shard at place `shard`.
    pub(super) fn hash(&self, shard: usize) -> Result<HashKey, Failure> {
        let range = self.shards.get(shard).and_then(|shard| shard.range);
        Ok(range.ok_or_else(|| Failure::new(format!("shard {shard} has no hash keys")))?.start)
    }

    /// Opens a reader of the shard at place `shard`.
    pub(super) async fn open(&self, shard: usize, at: StartAt) -> Result<Reading, Failure> {
        let id = &self.shards[shard].id;
        let reader = self.source.open(&self.key, id, at.clone()).await?;
        Ok(Reading::new(reader, format!("{id} from {at:?}"), Arc::clone(&self.clock)))
    }

    /// Opens a reader of the first shard, from its trim horizon.
    pub(super) async fn open_first(&self) -> Result<Reading, Failure> {
        self.open(0, StartAt::TrimHorizon).await
    }

    /// Sleeps on the clock of the factory, which may be simulated.
    pub(super) async fn wait(&self, millis: u64) {
        self.clock.sleep(Duration::from_millis(millis)).await;
    }
}

/// Turns an error of the factory into a failure of the case.
pub(super) fn done<T>(made: Made<T>) -> Result<T, Failure> {
    made.map_err(|error| Failure::new(explain(&*error)).during("the bench"))
}

/// The payload of a numbered record.
fn text(number: u32) -> String {
    format!("record {number}")
}

/// The payloads of numbered records.
pub(super) fn numbered(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(text).collect()
}
