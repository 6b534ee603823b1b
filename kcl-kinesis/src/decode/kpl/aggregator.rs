//! [`Aggregator`]: packs user records into an aggregate.

use std::{collections::BTreeMap, fmt};

use bytes::{BufMut, Bytes, BytesMut};
use kcl_core::stream::HashKey;
use prost::Message;

use super::{
    DIGEST, MAGIC, MAX_KEY_CHARS, md5,
    message::{AggregatedRecord, SubRecord},
};

/// Packs user records into one Kinesis record in the KPL's format.
///
/// Kinesis stores an aggregate in the shard of its *first* record's key. So add only records of the
/// same shard to one aggregate.
///
/// ```
/// use bytes::Bytes;
/// use kcl_kinesis::kpl::Aggregator;
///
/// let mut aggregator = Aggregator::new(1 << 20);
/// aggregator.add("customer-1", None, Bytes::from_static(b"hello"))?;
/// aggregator.add("customer-2", None, Bytes::from_static(b"world"))?;
/// let packed = aggregator.finish().unwrap();
/// assert_eq!(packed.partition_key, "customer-1");
/// # Ok::<(), kcl_kinesis::kpl::AddError>(())
/// ```
pub struct Aggregator {
    limit: usize,
    size: usize,
    first_hash_key: Option<HashKey>,
    partition: KeyTable,
    explicit: KeyTable,
    records: Vec<SubRecord>,
}

/// A finished aggregate: the arguments for `PutRecord`.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Aggregate {
    /// The first record's partition key.
    pub partition_key: String,
    /// The first record's explicit hash key.
    pub explicit_hash_key: Option<HashKey>,
    /// The packed records.
    pub data: Bytes,
}

impl fmt::Debug for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aggregate").field("bytes", &self.data.len()).finish_non_exhaustive()
    }
}

/// The error of [`Aggregator::add`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddError {
    /// The record does not fit. Finish this aggregate and add the record to the next one.
    #[error("the aggregate would take {needed} bytes, more than its limit of {limit}: finish it")]
    Full {
        /// The size with the record, in bytes.
        needed: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The length of the partition key is one that Kinesis does not allow.
    #[error("a partition key of {0} characters: Kinesis takes 1 to {MAX_KEY_CHARS}")]
    KeyLength(usize),
}

impl Aggregator {
    /// Creates an empty aggregator for aggregates of at most `limit` bytes. As Kinesis counts it,
    /// the partition key of the record is included. The limit of a stream is 1 MiB unless it is
    /// configured for larger records.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            size: MAGIC.len() + DIGEST,
            first_hash_key: None,
            partition: KeyTable::default(),
            explicit: KeyTable::default(),
            records: Vec::new(),
        }
    }

    /// Adds one user record.
    ///
    /// # Errors
    /// Returns [`AddError::Full`] if the record does not fit, or [`AddError::KeyLength`] if its
    /// partition key is too short or too long. Nothing is added then.
    pub fn add(
        &mut self,
        partition_key: &str,
        explicit_hash_key: Option<HashKey>,
        data: Bytes,
    ) -> Result<(), AddError> {
        let characters = partition_key.chars().count();
        if characters == 0 || characters > MAX_KEY_CHARS {
            return Err(AddError::KeyLength(characters));
        }
        let digits = explicit_hash_key.map(|key| key.to_string());
        let key = self.partition.find(partition_key);
        let hash = digits.as_deref().map(|digits| self.explicit.find(digits));
        let sub = SubRecord {
            partition_key: Some(key.index),
            explicit_hash_key: hash.as_ref().map(|hash| hash.index),
            data: Some(data),
        };
        let first = if self.is_empty() { partition_key.len() } else { 0 };
        let tables = key.cost + hash.map_or(0, |hash| hash.cost);
        let needed = self.size + first + tables + field(sub.encoded_len());
        if needed > self.limit {
            return Err(AddError::Full { needed, limit: self.limit });
        }
        if self.is_empty() {
            self.first_hash_key = explicit_hash_key;
        }
        self.partition.insert(partition_key.to_owned());
        digits.into_iter().for_each(|digits| self.explicit.insert(digits));
        self.records.push(sub);
        self.size = needed;
        Ok(())
    }

    /// The number of user records added.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.records.len()
    }

    /// True if no user record was added.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The size of the aggregate in bytes, as Kinesis counts it.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size
    }

    /// Returns the aggregate and empties the aggregator. `None` if no record was added.
    pub fn finish(&mut self) -> Option<Aggregate> {
        let full = std::mem::replace(self, Self::new(self.limit));
        let partition_key = full.partition.keys.first()?.clone();
        let message = AggregatedRecord {
            partition_keys: full.partition.keys,
            explicit_hash_keys: full.explicit.keys,
            records: full.records,
        };
        let message = message.encode_to_vec();
        let mut data = BytesMut::with_capacity(MAGIC.len() + message.len() + DIGEST);
        data.put_slice(&MAGIC);
        data.put_slice(&message);
        data.put_slice(&md5(&message));
        let explicit_hash_key = full.first_hash_key;
        Some(Aggregate { partition_key, explicit_hash_key, data: data.freeze() })
    }
}

impl fmt::Debug for Aggregator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aggregator")
            .field("records", &self.len())
            .field("bytes", &self.size)
            .finish_non_exhaustive()
    }
}

/// Keys in the order of their first use. Each key is stored once.
#[derive(Default)]
struct KeyTable {
    keys: Vec<String>,
    index: BTreeMap<String, u64>,
}

/// The index that a key has or would get, and the number of bytes that adding it would take.
struct Place {
    index: u64,
    cost: usize,
}

impl KeyTable {
    /// The place of a key, without adding it.
    fn find(&self, key: &str) -> Place {
        match self.index.get(key) {
            Some(index) => Place { index: *index, cost: 0 },
            None => Place { index: self.next(), cost: field(key.len()) },
        }
    }

    /// Adds a key, unless it is there.
    fn insert(&mut self, key: String) {
        if !self.index.contains_key(&key) {
            self.index.insert(key.clone(), self.next());
            self.keys.push(key);
        }
    }

    /// The index of the next new key.
    fn next(&self) -> u64 {
        u64::try_from(self.keys.len()).unwrap_or(u64::MAX)
    }
}

/// The size of a field of the message: one byte for the tag, then the length and the content.
fn field(length: usize) -> usize {
    1 + prost::length_delimiter_len(length) + length
}
