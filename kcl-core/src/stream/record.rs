//! Records, as they reach a processor.

use std::fmt;

use bytes::Bytes;

use super::{HashKey, Position};
use crate::env::WallTime;

/// How Kinesis kept a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encryption {
    /// In clear.
    #[default]
    None,
    /// Encrypted by a KMS key.
    Kms,
}

/// What de-aggregation found out about a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KplMark {
    /// The record stands in the stream by itself.
    #[default]
    Plain,
    /// It was unpacked from a KPL aggregate.
    Aggregated,
    /// It was unpacked from a KPL aggregate, and its key hashes outside the shard's range: the
    /// aggregate crossed a split or merge. The Java KCL drops such records; here they are
    /// delivered.
    OutsideShard,
    /// It starts like a KPL aggregate but is damaged: delivered whole, not unpacked. Or it was
    /// unpacked from an aggregate that lacks its partition key: it has that of the aggregate.
    Malformed,
}

/// One record.
///
/// `Debug` shows neither payload nor partition key.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// The payload.
    pub data: Bytes,
    /// The key the producer gave it: records of one key are in one shard. `None` if it gave none,
    /// as on a stream that distributes its records by itself: no order among records was asked for,
    /// and they are not taken for records of one key.
    pub partition_key: Option<String>,
    /// Its place in the shard.
    pub position: Position,
    /// When it arrived at the stream, by the stream's clock: millisecond precision, not ordered.
    pub arrival: Option<WallTime>,
    /// How Kinesis kept it.
    pub encryption: Encryption,
    /// What de-aggregation found out about it.
    pub kpl: KplMark,
    /// Boxed: few records have one, and there are thousands of records in a batch.
    explicit_hash_key: Option<Box<HashKey>>,
}

impl Record {
    /// A plain record.
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

    /// The hash key that the producer gave in place of the partition key's. `None` if it gave none,
    /// and for every record that was not unpacked from a KPL aggregate: Kinesis does not tell.
    #[must_use]
    pub fn explicit_hash_key(&self) -> Option<HashKey> {
        self.explicit_hash_key.as_deref().copied()
    }

    /// Sets or takes away the hash key that its producer gave.
    pub fn set_explicit_hash_key(&mut self, key: Option<HashKey>) {
        self.explicit_hash_key = key.map(Box::new);
    }

    /// The same record, with its time of arrival.
    #[must_use]
    pub const fn arrived(mut self, at: WallTime) -> Self {
        self.arrival = Some(at);
        self
    }

    /// What the record counts against the byte budget: payload, key, and a fixed share for the
    /// rest.
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

/// Records of one shard, in order.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Batch {
    /// The records. May be empty.
    pub records: Vec<Record>,
    /// Where reading goes on if `records` is empty or was filtered: the last position the source
    /// passed, delivered or not.
    pub through: Option<Position>,
    /// How far behind the newest record the source says this answer is, in milliseconds. Some
    /// servers always say zero.
    pub millis_behind: Option<u64>,
    /// Whether the source had nothing more to give when it answered.
    pub at_tip: bool,
}

impl Batch {
    /// These records, with nothing said about lag.
    #[must_use]
    pub fn of(records: Vec<Record>) -> Self {
        Self { records, ..Self::default() }
    }

    /// The sum of the records' weights, in bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.records.iter().map(Record::weight).sum()
    }
}
