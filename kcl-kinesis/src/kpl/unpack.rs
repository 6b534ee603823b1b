//! From an aggregate to the user records in it.

use bytes::{Buf, Bytes};
use kcl_core::stream::{HashKey, HashRange, KplMark, Position, Record};
use prost::Message;

use super::{
    DIGEST, MAGIC, MAX_KEY_CHARS, is_aggregate, md5,
    message::{AggregatedRecord, SubRecord},
};

/// The most keys and records together that an aggregate may hold. A real one is far from it (1 MiB
/// holds some ten thousand records); a hostile one of empty records would take gigabytes.
const MAX_ENTRIES: usize = 1_000_000;

/// Why a record that starts like an aggregate is none. Shows nothing of the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// The digest is not that of the message.
    #[error("the digest does not match, or is cut off")]
    Digest,
    /// The message is no `AggregatedRecord`.
    #[error("the message is not well formed")]
    Message,
    /// There are more entries than any producer writes.
    #[error("it holds more than {MAX_ENTRIES} keys and records")]
    Entries,
    /// A record lacks its key or data, or names a key that is not in the table.
    #[error("a record in it is incomplete")]
    Record,
    /// A partition key is too long, or a hash key is no 128-bit number.
    #[error("a key in it breaks the limits of Kinesis")]
    Key,
}

/// Appends the user records of `record` to `into`: the sub-records of an aggregate, or the record
/// itself. Payloads are slices of the aggregate's, not copies.
///
/// Sub-records carry the aggregate's sequence number and arrival time, and their index as
/// sub-sequence number. One whose key hashes outside of `range` (the shard's, where known) is
/// marked [`KplMark::OutsideShard`] and delivered like the others: the Java KCL drops such
/// aggregates, on the ground that the other side of a split has them too, which is not so if the
/// producer's view of the shards was stale.
///
/// # Errors
/// Never partial: a damaged aggregate is appended whole, marked [`KplMark::Malformed`], and the
/// error says what is wrong with it.
pub fn unpack(
    mut record: Record,
    range: Option<HashRange>,
    into: &mut Vec<Record>,
) -> Result<(), Damage> {
    if !is_aggregate(&record.data) {
        into.push(record);
        return Ok(());
    }
    let before = into.len();
    let unpacked = decode(&record.data).and_then(|aggregate| {
        let AggregatedRecord { partition_keys, explicit_hash_keys, records } = aggregate;
        let keys = Keys::check(partition_keys, &explicit_hash_keys, range)?;
        into.reserve(records.len());
        records.into_iter().zip(0..).try_for_each(|(sub, index)| {
            into.push(keys.resolve(&record, sub, index)?);
            Ok(())
        })
    });
    unpacked.inspect_err(|_| {
        into.truncate(before);
        record.kpl = KplMark::Malformed;
        into.push(record);
    })
}

fn decode(data: &Bytes) -> Result<AggregatedRecord, Damage> {
    let end = data.len().checked_sub(DIGEST).filter(|end| *end >= MAGIC.len());
    let end = end.ok_or(Damage::Digest)?;
    let (message, digest) = (data.slice(MAGIC.len()..end), &data[end..]);
    if md5(&message) != *digest {
        return Err(Damage::Digest);
    }
    check_size(&message)?;
    AggregatedRecord::decode(message).map_err(|_| Damage::Message)
}

/// Counts the entries before anything is allocated for them.
fn check_size(mut message: &[u8]) -> Result<(), Damage> {
    const LENGTH_DELIMITED: usize = 2;
    let mut entries = 0;
    while message.has_remaining() {
        // Every field of the message is length-delimited; a producer of another kind is unknown.
        let tag = prost::decode_length_delimiter(&mut message).map_err(|_| Damage::Message)?;
        let length = prost::decode_length_delimiter(&mut message).map_err(|_| Damage::Message)?;
        if tag & 7 != LENGTH_DELIMITED || length > message.len() {
            return Err(Damage::Message);
        }
        message.advance(length);
        entries += 1;
        if entries > MAX_ENTRIES {
            return Err(Damage::Entries);
        }
    }
    Ok(())
}

/// The key tables of one aggregate, checked and hashed once each.
struct Keys {
    partition: Vec<(String, KplMark)>,
    explicit: Vec<(HashKey, KplMark)>,
}

impl Keys {
    fn check(
        partition: Vec<String>,
        explicit: &[String],
        range: Option<HashRange>,
    ) -> Result<Self, Damage> {
        let range = range.filter(|range| *range != HashRange::ALL);
        let mark = |key: HashKey| match range {
            Some(range) if !range.contains(key) => KplMark::OutsideShard,
            _ => KplMark::Aggregated,
        };
        let partition = partition.into_iter().map(|key| {
            if key.chars().count() > MAX_KEY_CHARS {
                return Err(Damage::Key);
            }
            let hash = range.map_or(0, |_| HashKey::from_be_bytes(md5(key.as_bytes())));
            Ok((key, mark(hash)))
        });
        let explicit = explicit.iter().map(|digits| {
            let key = digits.parse().map_err(|_| Damage::Key)?;
            Ok((key, mark(key)))
        });
        Ok(Self {
            partition: partition.collect::<Result<_, _>>()?,
            explicit: explicit.collect::<Result<_, _>>()?,
        })
    }

    fn resolve(&self, aggregate: &Record, sub: SubRecord, index: u64) -> Result<Record, Damage> {
        let (key, by_partition) =
            entry(&self.partition, sub.partition_key)?.ok_or(Damage::Record)?;
        let explicit = entry(&self.explicit, sub.explicit_hash_key)?;
        let data = sub.data.ok_or(Damage::Record)?;
        let position = Position::new(aggregate.position.sequence.clone(), index);
        let mut record = Record::new(position, key.clone(), data);
        record.arrival = aggregate.arrival;
        record.encryption = aggregate.encryption;
        record.explicit_hash_key = explicit.map(|(key, _)| *key);
        record.kpl = explicit.map_or(*by_partition, |(_, mark)| *mark);
        Ok(record)
    }
}

/// The entry a record names; `None` if it names none.
fn entry<T>(table: &[T], index: Option<u64>) -> Result<Option<&T>, Damage> {
    let Some(index) = index else { return Ok(None) };
    let index = usize::try_from(index).map_err(|_| Damage::Record)?;
    table.get(index).map(Some).ok_or(Damage::Record)
}
