//! From an aggregate to the user records in it.

use bytes::Bytes;
use kcl_core::stream::{HashKey, HashRange, KplMark, Position, Record};

use super::{
    DIGEST, MAGIC,
    damage::Damage,
    is_aggregate, md5,
    wire::{AggregatedRecord, SubRecord},
};

/// Appends the user records of `record` to `into`: the sub-records of an aggregate, or the record
/// itself. Payloads are slices of the aggregate's, not copies.
///
/// Sub-records carry the aggregate's sequence number and arrival time, and their index as
/// sub-sequence number. One whose key hashes outside of `range` (the shard's, where known) is
/// marked [`KplMark::OutsideShard`] and delivered like the others: the Java KCL drops such
/// aggregates, on the ground that the other side of a split has them too, which is not so if the
/// producer's view of the shards was stale.
///
/// No other library gets more out of a record. The Java KCL and `aws_kinesis_agg`, too, unpack one
/// with unknown fields, with keys longer than Kinesis takes, or with an explicit hash key that is
/// no number; here that hash key is left out, where the Java KCL leaves out the record and those
/// after it. It does so as well where a partition key is not in the table: here such a record has
/// the aggregate's key and is marked. What they deliver whole (a damaged digest or message, an
/// empty one) comes whole and marked; so does an aggregate without records, which they drop.
///
/// # Errors
/// [`Damage`] if anything is marked [`KplMark::Malformed`]: the whole record, or with
/// [`Damage::Key`] those user records whose key is missing. Something is always appended, and
/// nothing is left out.
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

/// The key tables of one aggregate, read and hashed once each.
struct Keys {
    partition: Vec<(String, KplMark)>,
    /// `None` for what is no hash key.
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

/// The entry a record names, if it is there.
fn entry<T>(table: &[T], index: Option<u64>) -> Option<&T> {
    index.and_then(|index| usize::try_from(index).ok()).and_then(|index| table.get(index))
}
