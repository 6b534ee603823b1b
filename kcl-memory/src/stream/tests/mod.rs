//! Helpers of the stream's tests.

mod reading;
mod retention;
mod shards;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use kcl_core::{
    env::{Clock, Entropy, Env, Rng, Time, WallTime},
    stream::{
        Batch, ByteLimit, HashKey, Position, ReadEvent, ShardId, ShardReader, SourceErrorKind,
        StartAt, StreamSource,
    },
};

use super::*;

/// The clock of a paused runtime.
#[derive(Debug)]
struct Paused(tokio::time::Instant);

const EPOCH: u64 = 1_700_000_000_000;

#[async_trait]
impl Clock for Paused {
    fn now(&self) -> Time {
        Time::ZERO + self.0.elapsed()
    }

    fn wall(&self) -> WallTime {
        WallTime::from_millis(EPOCH + self.now().as_micros() / 1_000)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock of the tests")]
    async fn sleep_until(&self, at: Time) {
        tokio::time::sleep(at.since(self.now())).await;
    }
}

#[derive(Debug)]
struct Seeded(std::sync::Mutex<Rng>);

impl Entropy for Seeded {
    fn next_u64(&self) -> u64 {
        self.0.lock().unwrap().next_u64()
    }
}

fn options() -> StreamOptions {
    let mut options = StreamOptions::new("orders");
    let clock = Arc::new(Paused(tokio::time::Instant::now()));
    let entropy = Arc::new(Seeded(Rng::new(1).into()));
    options.env = Env::new(clock, entropy, Env::system().spawner);
    options
}

fn id(n: u64) -> ShardId {
    format!("shardId-{n:012}").parse().unwrap()
}

async fn open(stream: &MemoryStream, shard: u64, at: StartAt) -> Box<dyn ShardReader> {
    let life = stream.describe().await.unwrap().key;
    stream.open(&life, &id(shard), at).await.unwrap()
}

async fn next(reader: &mut Box<dyn ShardReader>) -> ReadEvent {
    reader.next(ByteLimit(1 << 20)).await.unwrap()
}

async fn batch(reader: &mut Box<dyn ShardReader>) -> Batch {
    match next(reader).await {
        ReadEvent::Batch(batch) => batch,
        other => panic!("no batch: {other:?}"),
    }
}

/// The payloads of the next batch, as text.
async fn texts(reader: &mut Box<dyn ShardReader>) -> Vec<String> {
    let records = batch(reader).await.records;
    records.iter().map(|record| String::from_utf8_lossy(&record.data).into_owned()).collect()
}

fn put_numbers(stream: &MemoryStream, numbers: std::ops::Range<u32>) -> Vec<Position> {
    numbers.map(|n| stream.put("key", n.to_string()).unwrap().position).collect()
}
