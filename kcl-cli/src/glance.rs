//! A glance at records of a shard: read without a lease, and without touching a checkpoint.

use anyhow::bail;
use kcl_core::stream::{
    ByteLimit, Position, ReadEvent, Record, ShardId, ShardReader, StartAt, StreamKey, StreamSource,
};

/// A shard that is glanced at, for so many records.
pub(crate) struct Glance {
    reader: Box<dyn ShardReader>,
    room: ByteLimit,
    left: usize,
}

/// What is met there.
#[derive(Debug, PartialEq)]
pub(crate) enum Met {
    /// Records; whether there are no more yet.
    Records { records: Vec<Record>, is_tip: bool },
    /// Records from one place to another are gone.
    Lost { from: Option<Position>, to: Option<Position> },
    /// So many calls brought nothing.
    Standstill { calls: u32, why: String },
    /// The shard has ended.
    End,
    /// As many were met as were asked for, and there may be more.
    Enough,
}

impl Glance {
    /// Opens a shard from a place on.
    ///
    /// # Errors
    /// The stream's; it has no such shard.
    pub(crate) async fn open(
        source: &dyn StreamSource,
        stream: &StreamKey,
        shard: &ShardId,
        at: StartAt,
        (most, room): (usize, ByteLimit),
    ) -> anyhow::Result<Self> {
        let shards = source.shards().await?;
        if shards.iter().all(|listed| listed.id != *shard) {
            bail!(
                "the stream has no shard {shard}; of its {} shards `kcl stream describe` tells the \
                 ids",
                shards.len()
            );
        }
        Ok(Self::of(source.open(stream, shard, at).await?, (most, room)))
    }

    /// A glance by this reader.
    pub(crate) const fn of(reader: Box<dyn ShardReader>, (most, room): (usize, ByteLimit)) -> Self {
        Self { reader, room, left: most }
    }

    /// What is met next.
    ///
    /// # Errors
    /// The stream's.
    ///
    /// # Cancel safety
    /// Safe, as the reader is.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Met> {
        while self.left > 0 {
            self.reader.ready().await;
            return Ok(match self.reader.next(self.room).await? {
                ReadEvent::Batch(batch) => {
                    let mut records = batch.records;
                    let is_tip = batch.at_tip && records.len() <= self.left;
                    records.truncate(self.left);
                    self.left -= records.len();
                    Met::Records { records, is_tip }
                }
                ReadEvent::Lost { from, to } => Met::Lost { from, to },
                ReadEvent::Standstill { calls, why } => Met::Standstill { calls, why },
                ReadEvent::End { .. } => Met::End,
                // Of a kind that this version does not know.
                _ => continue,
            });
        }
        Ok(Met::Enough)
    }

    /// Whether as many were met as were asked for.
    pub(crate) const fn is_enough(&self) -> bool {
        self.left == 0
    }

    /// Gives the reader back.
    pub(crate) async fn close(self) {
        self.reader.close().await;
    }
}
