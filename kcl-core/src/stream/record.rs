//! Records, and the batches in which a source returns them.

use std::fmt;

use bytes::Bytes;

use super::{HashKey, Position};
use crate::env::WallTime;

/// How Kinesis stored a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encryption {
    /// Without server-side encryption.
    #[default]
    None,
    /// Encrypted with a KMS key.
    Kms,
}

/// The result of KPL de-aggregation for one record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KplMark {
    /// The record is one Kinesis record and no part of an aggregate.
    #[default]
    Plain,
    /// The record was unpacked from a KPL aggregate.
    Aggregated,
    /// The record was unpacked from a KPL aggregate, and its hash key is outside the shard's range,
    /// because the aggregate was written across a split or merge. The Java KCL drops such a record;
    /// this library delivers it.
    OutsideShard,
    /// The record starts like a KPL aggregate and is damaged: it is delivered as it is. Or it was
    /// unpacked from an aggregate that lacks the record's partition key: it has the partition key
    /// of the aggregate.
    Malformed,
}

/// One record, unpacked from its KPL aggregate if it was in one.
///
/// `Debug` shows neither payload nor partition key.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// The payload.
    pub data: Bytes,
    /// The partition key that the producer gave. `None` if the producer gave none, as on a stream
    /// that distributes records by itself: such records have no order among each other.
    pub partition_key: Option<String>,
    /// The position of the record in its shard.
    pub position: Position,
    /// When the record arrived at the stream, on the stream's clock, in milliseconds. `None` if the
    /// service did not say. Arrival times of successive records may go back.
    pub arrival: Option<WallTime>,
    /// How Kinesis stored the record.
    pub encryption: Encryption,
    /// The result of KPL de-aggregation.
    pub kpl: KplMark,
    /// Boxed because few records have one and a batch has thousands of records.
    explicit_hash_key: Option<Box<HashKey>>,
}

impl Record {
    /// Makes a plain record without arrival time and encryption.
    #[must_use]
    pub const fn new(position: Position, partition_key: Option<String>, data: Bytes) -> Self {
        Self {
            data,
            partition_key,
            position,
            arrival: None,
            encryption: Encryption::None,
            kpl: KplMark::Plain,
            explicit_hash_key: None,
        }
    }

    /// The explicit hash key that the producer gave. `None` if it gave none, and for every plain
    /// record: Kinesis returns it for no record, only a KPL aggregate contains it.
    #[must_use]
    pub fn explicit_hash_key(&self) -> Option<HashKey> {
        self.explicit_hash_key.as_deref().copied()
    }

    /// Sets the explicit hash key, or removes it.
    pub fn set_explicit_hash_key(&mut self, key: Option<HashKey>) {
        self.explicit_hash_key = key.map(Box::new);
    }

    /// Returns the same record with `at` as its arrival time.
    #[must_use]
    pub const fn arrived(mut self, at: WallTime) -> Self {
        self.arrival = Some(at);
        self
    }

    /// The bytes that the record takes of the byte budget: payload, partition key, and 64 bytes for
    /// the other fields.
    #[must_use]
    pub fn weight(&self) -> usize {
        const FIXED: usize = 64;
        self.data.len() + self.partition_key.as_deref().map_or(0, str::len) + FIXED
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("position", &self.position)
            .field("bytes", &self.data.len())
            .finish_non_exhaustive()
    }
}

/// One answer of a [`super::ShardReader`]: records of one shard, in the shard's order.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Batch {
    /// The records. An empty list means that the service returned no new record.
    pub records: Vec<Record>,
    /// The last position that the source has read, also if it returned no record for it. Reading
    /// goes on after the later of this position and the last record's.
    pub through: Option<Position>,
    /// How far this answer is behind the newest record of the shard, in milliseconds
    /// (`MillisBehindLatest`). `None` if the service did not say. Some servers always say zero.
    pub millis_behind: Option<u64>,
    /// Whether the service had no more records when it answered.
    pub at_tip: bool,
}

impl Batch {
    /// Makes a batch of these records, with `None` and `false` in the other fields.
    #[must_use]
    pub fn of(records: Vec<Record>) -> Self {
        Self { records, ..Self::default() }
    }

    /// The sum of [`Record::weight`], in bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.records.iter().map(Record::weight).sum()
    }
}
