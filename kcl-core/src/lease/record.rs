//! A lease as JSON: for backups, for copies to another store, and for the copy before a change.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Checkpoint, Epoch, InvalidCheckpoint, InvalidLeaseKey, InvalidName, Lease, LeaseKey};
use crate::{
    env::WallTime,
    stream::{HashRange, InvalidShardId, ShardId},
};

/// A lease as JSON. [`Self::read`] makes a lease without an owner, because the owner may not exist
/// where the record is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRecord {
    /// The lease's key.
    pub key: String,
    /// The owner when the record was made, for people only.
    owner: Option<String>,
    /// The lease's epoch.
    pub epoch: u64,
    /// The lease's checkpoint.
    pub checkpoint: CheckpointRecord,
    arrival_ms: Option<u64>,
    lag_ms: Option<u64>,
    bytes_per_second: u64,
    parents: Vec<String>,
    children: Vec<String>,
    hash_range: Option<[String; 2]>,
    /// The worker that should not get the lease. Records of older releases lack it.
    avoid: Option<String>,
}

/// A checkpoint as JSON, in the two parts that stores keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CheckpointRecord {
    /// The text of [`Checkpoint::kind`].
    pub kind: String,
    /// The text of [`Checkpoint::key`].
    pub key: String,
}

impl CheckpointRecord {
    /// Makes the record of a checkpoint.
    #[must_use]
    pub fn of(checkpoint: &Checkpoint) -> Self {
        Self { kind: checkpoint.kind(), key: checkpoint.key() }
    }

    /// Reads the checkpoint.
    ///
    /// # Errors
    /// As [`Checkpoint::from_parts`].
    pub fn read(&self) -> Result<Checkpoint, InvalidCheckpoint> {
        Checkpoint::from_parts(&self.kind, &self.key)
    }
}

impl LeaseRecord {
    /// Makes the record of a lease.
    #[must_use]
    pub fn of(lease: &Lease) -> Self {
        let texts = |shards: &[ShardId]| shards.iter().map(|it| it.as_str().to_owned()).collect();
        let millis = |span: Duration| u64::try_from(span.as_millis()).ok();
        Self {
            key: lease.key.as_str().to_owned(),
            owner: lease.owner.as_ref().map(ToString::to_string),
            epoch: lease.epoch.0,
            checkpoint: CheckpointRecord::of(&lease.checkpoint),
            arrival_ms: lease.progress.arrival.map(WallTime::as_millis),
            lag_ms: lease.progress.lag.and_then(millis),
            bytes_per_second: lease.progress.rate,
            parents: texts(&lease.parents),
            children: texts(&lease.children),
            hash_range: lease.range.map(|it| [it.start.to_string(), it.end.to_string()]),
            avoid: lease.avoid.as_ref().map(ToString::to_string),
        }
    }

    /// True if both records have the same checkpoint and the same epoch.
    #[must_use]
    pub fn says(&self, other: &Self) -> bool {
        (&self.checkpoint, self.epoch) == (&other.checkpoint, other.epoch)
    }

    /// Reads the lease, without an owner and with the same epoch; the next owner raises it.
    ///
    /// # Errors
    /// A field of the record has no valid value.
    pub fn read(&self) -> Result<Lease, InvalidLeaseRecord> {
        let about = |problem: Problem| InvalidLeaseRecord { key: self.key.clone(), problem };
        let shards = |names: &[String]| {
            let ids: Result<Vec<ShardId>, _> = names.iter().map(|name| name.parse()).collect();
            ids.map_err(|error| about(Problem::Shard(error)))
        };
        let hash_key = |text: &str| text.parse().map_err(|_| about(Problem::HashKey(text.into())));
        let key: LeaseKey = self.key.parse().map_err(|error| about(Problem::Key(error)))?;
        let checkpoint = self.checkpoint.read();
        let checkpoint = checkpoint.map_err(|error| about(Problem::Checkpoint(error)))?;
        let range = match &self.hash_range {
            Some([start, end]) => Some(HashRange::new(hash_key(start)?, hash_key(end)?)),
            None => None,
        };
        let mut lease = Lease::new(key, checkpoint).of_shard(shards(&self.parents)?, range);
        lease.children = shards(&self.children)?;
        lease.epoch = Epoch(self.epoch);
        lease.progress.arrival = self.arrival_ms.map(WallTime::from_millis);
        lease.progress.lag = self.lag_ms.map(Duration::from_millis);
        lease.progress.rate = self.bytes_per_second;
        let avoid = self.avoid.as_ref().map(|id| id.parse()).transpose();
        lease.avoid = avoid.map_err(|error| about(Problem::Worker(error)))?;
        Ok(lease)
    }
}

/// The error of [`LeaseRecord::read`]: the lease's key and the invalid field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lease {key}: {problem}")]
pub struct InvalidLeaseRecord {
    key: String,
    #[source]
    problem: Problem,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Problem {
    #[error(transparent)]
    Key(InvalidLeaseKey),
    #[error(transparent)]
    Shard(InvalidShardId),
    #[error(transparent)]
    Worker(InvalidName),
    #[error(transparent)]
    Checkpoint(InvalidCheckpoint),
    #[error("{0:?} is no hash key: expected a whole number below 2^128")]
    HashKey(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::{Position, SequenceNumber};

    #[test]
    fn a_lease_reads_back_without_its_owner() {
        let at = Checkpoint::After(Position::new(SequenceNumber::from(49_u128), 3));
        let range = HashRange::new(0, 9);
        let mut lease = Lease::new("orders/7/shardId-1".parse().unwrap(), at);
        lease = lease.of_shard(vec!["shardId-0".parse().unwrap()], Some(range));
        lease.epoch = Epoch(1_769_850_000_007);
        lease.progress.lag = Some(Duration::from_millis(1_250));
        lease.avoid = Some("w1".parse().unwrap());
        let record = LeaseRecord::of(&lease);
        let text = serde_json::to_string(&record).unwrap();
        let read: LeaseRecord = serde_json::from_str(&text).unwrap();
        assert_eq!(read.read().unwrap(), lease);
    }

    #[test]
    fn what_makes_no_lease_is_named() {
        let lease = Lease::new("orders/7/shardId-1".parse().unwrap(), Checkpoint::TrimHorizon);
        let mut record = LeaseRecord::of(&lease);
        record.hash_range = Some(["0".to_owned(), "many".to_owned()]);
        let told = record.read().unwrap_err().to_string();
        assert!(told.contains("orders/7/shardId-1") && told.contains("many"), "{told}");
    }
}
