//! The reader with a scripted service and a manual clock.

mod cancel;
mod end;
mod gap;
mod pace;
mod positions;
mod random;
mod rooms;
mod standstill;

use kcl_core::{
    env::WallTime,
    stream::{
        Batch, ByteLimit, Position, ReadEvent, SequenceNumber, ShardReader, SourceResult, StartAt,
        StreamKey, StreamSource,
    },
};

use serde_json::json;

use crate::{
    KinesisSource,
    testing::{Reply, Sent},
};

const ROOM: ByteLimit = ByteLimit(1 << 20);

/// A list of shards without the one that is read.
fn another_shard() -> (&'static str, Reply) {
    let shard = json!({
        "ShardId": "shardId-000000000007",
        "HashKeyRange": { "StartingHashKey": "0", "EndingHashKey": "9" },
        "SequenceNumberRange": { "StartingSequenceNumber": "1" },
    });
    ("ListShards", Reply::Json(json!({ "Shards": [shard] })))
}

async fn open(source: &KinesisSource, at: StartAt) -> Box<dyn ShardReader> {
    open_shard(source, "shardId-000000000000", at).await
}

async fn open_shard(source: &KinesisSource, shard: &str, at: StartAt) -> Box<dyn ShardReader> {
    let stream = StreamKey::new("orders", WallTime::from_millis(1_700_000_000_123));
    source.is_described_as(&stream);
    source.open(&stream, &shard.parse().unwrap(), at).await.unwrap()
}

fn number(number: u64) -> SequenceNumber {
    SequenceNumber::from(u128::from(number))
}

fn after(sequence: u64, sub: u64) -> StartAt {
    StartAt::After(Position::new(number(sequence), sub))
}

fn batch(event: SourceResult<ReadEvent>) -> Batch {
    match event.unwrap() {
        ReadEvent::Batch(batch) => batch,
        other => panic!("expected records, got {other:?}"),
    }
}

/// Reads the next batch, and returns its positions.
async fn read(reader: &mut dyn ShardReader) -> Vec<String> {
    shown(&batch(reader.next(ROOM).await))
}

fn shown(batch: &Batch) -> Vec<String> {
    batch.records.iter().map(|record| record.position.to_string()).collect()
}

/// The parameters of the calls of `GetShardIterator`: type, and number or time.
fn iterators(sent: &[Sent]) -> Vec<String> {
    let sent = sent.iter().filter(|sent| sent.operation == "GetShardIterator");
    sent.map(|sent| {
        let kind = sent.body["ShardIteratorType"].as_str().unwrap();
        let number = sent.body["StartingSequenceNumber"].as_str().unwrap_or_default();
        let time = sent.body["Timestamp"].as_f64().map(|at| at.to_string()).unwrap_or_default();
        format!("{kind} {number}{time}").trim_end().to_owned()
    })
    .collect()
}

/// The times at which the calls of `operation` were sent, in milliseconds.
fn times(sent: &[Sent], operation: &str) -> Vec<u64> {
    sent.iter().filter(|sent| sent.operation == operation).map(|sent| sent.at).collect()
}
