//! Partition keys and sequence numbers, as Kinesis makes them.

use kcl_core::{
    env::WallTime,
    stream::{HashKey, SequenceNumber},
};
use md5::{Digest, Md5};

/// The hash key of a partition key: its MD5, read as a big-endian number.
#[must_use]
pub fn hash_of(partition_key: &str) -> HashKey {
    HashKey::from_be_bytes(Md5::digest(partition_key).into())
}

/// The `count`th number of a stream created at `created`, on shard number `shard`: 56 digits like
/// those of Kinesis, growing with `count`, and higher in each later life of the stream.
#[expect(clippy::expect_used, reason = "56 digits are a sequence number")]
pub(super) fn sequence(created: WallTime, count: u64, shard: u64) -> SequenceNumber {
    let created = created.as_millis() % 100_000_000_000_000;
    let shard = shard % 100_000_000;
    let digits = format!("49{created:0>14}{count:0>32}{shard:0>8}");
    digits.parse().expect("a sequence number")
}
