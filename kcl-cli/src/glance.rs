//! Reads a number of records of a shard without a lease, and without a change of any checkpoint:
//! for `kcl peek` and the dashboard.

use anyhow::bail;
use kcl_core::stream::{
    ByteLimit, Position, ReadEvent, Record, ShardId, ShardReader, StartAt, StreamKey, StreamSource,
};

/// A reader of one shard that stops after a number of records.
pub(crate) struct Glance {
    reader: Box<dyn ShardReader>,
    /// The byte limit of one read.
    room: ByteLimit,
    /// How many records may still come.
    left: usize,
}

/// What one step of the read brought.
#[derive(Debug, PartialEq)]
pub(crate) enum Met {
    /// Records, possibly none. `is_tip`: the stream has no newer record yet, and all of this read
    /// are here.
    Records { records: Vec<Record>, is_tip: bool },
    /// The stream has trimmed the records between these positions.
    Lost { from: Option<Position>, to: Option<Position> },
    /// This many calls made no progress; `why` is the reason.
    Standstill { calls: u32, why: String },
    /// The shard has ended.
    End,
    /// The number is reached. The shard may have more records.
    Enough,
}

impl Glance {
    /// Opens a shard at a position, for `most` records, with the byte limit `room` for each read.
    ///
    /// # Errors
    /// The stream fails, or has no such shard.
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

    /// A glance with a reader that is open.
    pub(crate) const fn of(reader: Box<dyn ShardReader>, (most, room): (usize, ByteLimit)) -> Self {
        Self { reader, room, left: most }
    }

    /// Reads on. After the number is reached it returns [`Met::Enough`] without a read.
    ///
    /// # Errors
    /// The stream fails.
    ///
    /// # Cancel safety
    /// As safe as the reader's: dropping the future loses no record.
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
                // A later version of the library may add kinds of events.
                _ => continue,
            });
        }
        Ok(Met::Enough)
    }

    /// Whether the number is reached.
    pub(crate) const fn is_enough(&self) -> bool {
        self.left == 0
    }

    /// Closes the reader.
    pub(crate) async fn close(self) {
        self.reader.close().await;
    }
}
