//! `KinesisSource` against real servers: what a scripted service cannot show.

mod conformance;
mod each_server;
mod one_server;

use anyhow::Result;
use kcl_core::stream::{
    ByteLimit, HashKey, ReadEvent, Record, Shard, ShardId, ShardReader, StartAt, StreamSource,
};
use kcl_kinesis::KinesisSource;

const ROOM: ByteLimit = ByteLimit(16 << 20);

async fn open(
    source: &KinesisSource,
    shard: &ShardId,
    at: StartAt,
) -> Result<Box<dyn ShardReader>> {
    let stream = source.describe().await?.key;
    Ok(source.open(&stream, shard, at).await?)
}

/// Reads until nothing is left: to the tip, or to the end of the shard.
async fn drain(reader: &mut dyn ShardReader) -> Result<(Vec<Record>, Option<Vec<Shard>>)> {
    let mut records = Vec::new();
    loop {
        match reader.next(ROOM).await? {
            ReadEvent::Batch(batch) if batch.records.is_empty() && batch.at_tip => {
                return Ok((records, None));
            }
            ReadEvent::Batch(batch) => records.extend(batch.records),
            ReadEvent::End { children, .. } => {
                return Ok((records, Some(children.unwrap_or_default())));
            }
            other => anyhow::bail!("{other:?}"),
        }
    }
}

fn texts(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| String::from_utf8_lossy(&record.data).into_owned()).collect()
}

fn numbered(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("record {number}")).collect()
}

/// The same, each to be put at a hash key.
fn at(hash: HashKey, numbers: std::ops::Range<usize>) -> Vec<(HashKey, String)> {
    numbered(numbers).into_iter().map(|text| (hash, text)).collect()
}
