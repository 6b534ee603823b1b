//! [`unpack`]: unpacks an aggregate to its user records.

use bytes::Bytes;
use kcl_core::stream::{HashKey, HashRange, KplMark, Position, Record};

use super::{
    DIGEST, MAGIC,
    damage::Damage,
    is_aggregate, md5,
    wire::{AggregatedRecord, SubRecord},
};

/// Appends the user records of `record` to `into`: the sub-records of an aggregate, or the record
/// itself. Payloads are slices of the aggregate's payload, not copies.
///
/// Sub-records have the sequence number and arrival time of the aggregate, and their index as
/// sub-sequence number. If the key of a sub-record hashes outside of `range` (the shard's hash
/// range, if known), the sub-record is marked [`KplMark::OutsideShard`] and delivered like the
/// others. The Java KCL drops such aggregates, assuming that the other shard of a split has them as
/// well; that is wrong if the producer's list of shards was out of date.
///
/// No record that another library delivers is lost here:
///
/// | the aggregate has | here | Java KCL, `aws_kinesis_agg` |
/// |---|---|---|
/// | unknown fields, or keys longer than Kinesis allows | unpacked | unpacked |
/// | an explicit hash key that is not a number | unpacked, without that key | see below |
/// | a partition key not in its table | unpacked, marked, with the aggregate's key | see below |
/// | a damaged digest or message, or an empty message | delivered whole, marked | delivered whole |
/// | no records | delivered whole, marked | dropped |
///
/// See below: the Java KCL drops that record and those after it.
///
/// # Errors
/// Returns [`Damage`] if anything was marked [`KplMark::Malformed`]: the whole record or, with
/// [`Damage::Key`], the user records without key. The records are appended to `into` in any case.
pub fn unpack(
    mut record: Record,
    range: Option<HashRange>,
    into: &mut Vec<Record>,
) -> Result<(), Damage> {
    if !is_aggregate(&record.data) {
        into.push(record);
        return Ok(());
    }
    let (keys, records) = match decode(&record.data) {
        Ok(aggregate) => (Keys::new(&aggregate, range), aggregate.records),
        Err(damage) => {
            record.kpl = KplMark::Malformed;
            into.push(record);
            return Err(damage);
        }
    };
    into.reserve(records.len());
    let mut outcome = Ok(());
    for (sub, index) in records.into_iter().zip(0..) {
        let user = keys.resolve(&record, sub, index);
        if user.kpl == KplMark::Malformed {
            outcome = Err(Damage::Key);
        }
        into.push(user);
    }
    outcome
}

/// Checks the digest and decodes the message. Every record has data then, and there is at least
/// one.
fn decode(data: &Bytes) -> Result<AggregatedRecord, Damage> {
    let end = data.len().checked_sub(DIGEST).filter(|end| *end >= MAGIC.len());
    let end = end.ok_or(Damage::Digest)?;
    let (message, digest) = (data.slice(MAGIC.len()..end), &data[end..]);
    if md5(&message) != *digest {
        return Err(Damage::Digest);
    }
    let aggregate = AggregatedRecord::read(message)?;
    if aggregate.records.iter().any(|sub| sub.data.is_none()) {
        return Err(Damage::Record);
    }
    if aggregate.records.is_empty() {
        return Err(Damage::Empty);
    }
    Ok(aggregate)
}

/// The key tables of one aggregate. Each key is parsed and hashed once.
struct Keys {
    partition: Vec<(String, KplMark)>,
    /// `None` for an entry that is not a valid hash key.
    explicit: Vec<Option<(HashKey, KplMark)>>,
}

impl Keys {
    fn new(aggregate: &AggregatedRecord, range: Option<HashRange>) -> Self {
        let range = range.filter(|range| *range != HashRange::ALL);
        let mark = |key: HashKey| match range {
            Some(range) if !range.contains(key) => KplMark::OutsideShard,
            _ => KplMark::Aggregated,
        };
        let partition = aggregate.partition_keys.iter().map(|key| {
            let hash = range.map_or(0, |_| HashKey::from_be_bytes(md5(key)));
            (String::from_utf8_lossy(key).into_owned(), mark(hash))
        });
        let explicit = aggregate.explicit_hash_keys.iter().map(|digits| {
            let key = std::str::from_utf8(digits).ok()?.parse().ok()?;
            Some((key, mark(key)))
        });
        Self { partition: partition.collect(), explicit: explicit.collect() }
    }

    /// Makes the user record of a sub-record: its key, position and mark. The explicit hash key, if
    /// there is one, decides on the mark.
    fn resolve(&self, aggregate: &Record, sub: SubRecord, index: u64) -> Record {
        let by_partition = entry(&self.partition, sub.partition_key);
        let explicit = entry(&self.explicit, sub.explicit_hash_key).and_then(Option::as_ref);
        let own = by_partition.map(|(key, _)| key);
        let key = own.or(aggregate.partition_key.as_ref());
        let position = Position::new(aggregate.position.sequence.clone(), index);
        let mut record = Record::new(position, key.cloned(), sub.data.unwrap_or_default());
        record.arrival = aggregate.arrival;
        record.encryption = aggregate.encryption;
        record.set_explicit_hash_key(explicit.map(|(key, _)| *key));
        record.kpl = match (by_partition, explicit) {
            (None, _) => KplMark::Malformed,
            (_, Some((_, mark))) | (Some((_, mark)), None) => *mark,
        };
        record
    }
}

/// The entry with this index, if there is one.
fn entry<T>(table: &[T], index: Option<u64>) -> Option<&T> {
    index.and_then(|index| usize::try_from(index).ok()).and_then(|index| table.get(index))
}
