//! Conversions from the SDK's types to the library's. Strings and payloads are moved, not copied.

use aws_sdk_kinesis::{
    primitives::DateTime,
    types::{self, EncryptionType},
};
use kcl_core::{
    env::WallTime,
    stream::{
        Encryption, HashKey, HashRange, InvalidSequenceNumber, InvalidShardId, Record,
        SequenceNumber, Shard, ShardId,
    },
};

/// The error of a conversion: a field of the answer has an invalid value.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Nonsense {
    #[error(transparent)]
    SequenceNumber(#[from] InvalidSequenceNumber),
    #[error(transparent)]
    ShardId(#[from] InvalidShardId),
    #[error("{0:?} is no hash key: expected a decimal number below 2^128")]
    HashKey(String),
}

/// Converts all records, or returns an error. `collect` reuses the memory of the list as long as
/// our `Record` is no larger than the SDK's; a new list would need megabytes of fresh memory.
pub(crate) fn records(raw: Vec<types::Record>) -> Result<Vec<Record>, Nonsense> {
    raw.into_iter().map(record).collect()
}

fn record(raw: types::Record) -> Result<Record, Nonsense> {
    let sequence = SequenceNumber::try_from(raw.sequence_number)?;
    // Kinesis allows no empty key, so an empty one is a missing one.
    let key = raw.partition_key.filter(|key| !key.is_empty());
    let mut record = Record::new(sequence.into(), key, raw.data.into_bytes());
    record.arrival = raw.approximate_arrival_timestamp.as_ref().map(wall_time);
    record.encryption = match raw.encryption_type {
        Some(EncryptionType::Kms) => Encryption::Kms,
        _ => Encryption::None,
    };
    Ok(record)
}

/// Converts a shard in a listing. It is closed if it has an ending sequence number.
pub(crate) fn shard(raw: types::Shard) -> Result<Shard, Nonsense> {
    let numbers = raw.sequence_number_range;
    // An empty text is a missing value: no parent, or no ending number.
    let (starting, ending) = match numbers {
        Some(range) => (Some(range.starting_sequence_number), range.ending_sequence_number),
        None => (None, None),
    };
    let parents = raw.parent_shard_id.into_iter().chain(raw.adjacent_parent_shard_id);
    let starting = starting.filter(|starting| !starting.is_empty());
    let mut shard = Shard::new(raw.shard_id.parse()?);
    shard.parents = shard_ids(parents.filter(|parent| !parent.is_empty()))?;
    shard.range = raw.hash_key_range.map(hash_range).transpose()?;
    shard.starting = starting.map(SequenceNumber::try_from).transpose()?;
    shard.closed = ending.is_some_and(|ending| !ending.is_empty());
    Ok(shard)
}

/// Converts a child shard in the last answer of its parents.
pub(crate) fn child(raw: types::ChildShard) -> Result<Shard, Nonsense> {
    let mut shard = Shard::new(raw.shard_id.parse()?);
    shard.parents = shard_ids(raw.parent_shards)?;
    shard.range = raw.hash_key_range.map(hash_range).transpose()?;
    Ok(shard)
}

/// Rounds to the millisecond: the wire has seconds as a decimal fraction, and 0.123 is parsed as
/// 0.1229….
pub(crate) fn wall_time(at: &DateTime) -> WallTime {
    let seconds = u64::try_from(at.secs()).unwrap_or(0);
    let millis = u64::from(at.subsec_nanos().saturating_add(500_000) / 1_000_000);
    WallTime::from_millis(seconds.saturating_mul(1_000).saturating_add(millis))
}

pub(crate) fn date_time(at: WallTime) -> DateTime {
    DateTime::from_millis(i64::try_from(at.as_millis()).unwrap_or(i64::MAX))
}

fn shard_ids(ids: impl IntoIterator<Item = String>) -> Result<Vec<ShardId>, Nonsense> {
    ids.into_iter().map(|id| Ok(id.parse()?)).collect()
}

fn hash_range(raw: types::HashKeyRange) -> Result<HashRange, Nonsense> {
    let key = |digits: String| digits.parse::<HashKey>().map_err(|_| Nonsense::HashKey(digits));
    Ok(HashRange::new(key(raw.starting_hash_key)?, key(raw.ending_hash_key)?))
}

#[cfg(test)]
mod tests {
    use aws_sdk_kinesis::primitives::Blob;

    use super::*;

    #[test]
    fn records_are_converted_where_they_are() {
        assert!(size_of::<Record>() <= size_of::<types::Record>());
        assert_eq!(align_of::<Record>(), align_of::<types::Record>());
    }

    #[test]
    fn a_key_that_is_missing_or_empty_is_none() {
        let raw = types::Record::builder().sequence_number("7").data(Blob::new("x"));
        let key = |raw: types::Record| record(raw).unwrap().partition_key;
        assert_eq!(key(raw.clone().partition_key("k").build().unwrap()).as_deref(), Some("k"));
        assert_eq!(key(raw.clone().partition_key("").build().unwrap()), None);
        let mut keyless = raw.partition_key("k").build().unwrap();
        keyless.partition_key = None;
        assert_eq!(key(keyless), None);
    }
}
