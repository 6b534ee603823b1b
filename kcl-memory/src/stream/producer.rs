//! The stream, as its producers and its operator see it.

use std::time::Duration;

use bytes::Bytes;
use kcl_core::{
    env::WallTime,
    stream::{HashKey, Position, ShardId, SourceErrorKind, SourceResult},
};

use super::{
    MemoryStream, ReaderCounts, ShardHistory, StreamFaults,
    key::hash_of,
    life::{Life, Refused},
};

/// Where a record was put.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Put {
    /// The shard.
    pub shard: ShardId,
    /// Its place there.
    pub position: Position,
}

impl MemoryStream {
    /// The longest partition key, in characters.
    pub const MAX_KEY: usize = 256;
    /// The largest payload, in bytes.
    pub const MAX_DATA: usize = 10 * 1024 * 1024;

    /// Puts a record into the shard that its partition key hashes to.
    ///
    /// # Errors
    /// `NoStream` when the stream is deleted; `Misconfigured` when key or payload break a limit.
    pub fn put(&self, partition_key: &str, data: impl Into<Bytes>) -> SourceResult<Put> {
        self.put_hashed(hash_of(partition_key), partition_key, data)
    }

    /// Puts a record into the shard that covers `hash`, whatever its partition key.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn put_hashed(
        &self,
        hash: HashKey,
        partition_key: &str,
        data: impl Into<Bytes>,
    ) -> SourceResult<Put> {
        let data = data.into();
        let now = self.now();
        let (shard, record) = self.change("PutRecord", |life| {
            check(partition_key, &data)?;
            life.put(hash, partition_key.to_owned(), data, now)
        })?;
        Ok(Put { shard, position: record.position })
    }

    /// Puts records that come unpacked from one KPL aggregate, with one sequence number, into the
    /// shard that covers `hash`.
    ///
    /// # Errors
    /// As [`Self::put`]; `Misconfigured` when there are none.
    pub fn put_aggregate(
        &self,
        hash: HashKey,
        partition_key: &str,
        parts: impl IntoIterator<Item = impl Into<Bytes>>,
    ) -> SourceResult<Put> {
        let parts: Vec<Bytes> = parts.into_iter().map(Into::into).collect();
        let now = self.now();
        let (shard, record) = self.change("PutRecord", |life| {
            parts.iter().try_for_each(|part| check(partition_key, part))?;
            life.put_aggregate(hash, partition_key, parts, now)
        })?;
        Ok(Put { shard, position: record.position })
    }

    /// Splits an open shard in the middle of its hash keys; its children.
    ///
    /// # Errors
    /// `NoStream`, `NoShard`; `Misconfigured` when it is closed or has one hash key only.
    pub fn split(&self, shard: &ShardId) -> SourceResult<[ShardId; 2]> {
        let now = self.now();
        self.change("SplitShard", |life| life.split(shard, None, now))
    }

    /// Splits an open shard so that its second child starts at `hash`.
    ///
    /// # Errors
    /// As [`Self::split`]; `Misconfigured` when `hash` is not inside the shard's range.
    pub fn split_at(&self, shard: &ShardId, hash: HashKey) -> SourceResult<[ShardId; 2]> {
        let now = self.now();
        self.change("SplitShard", |life| life.split(shard, Some(hash), now))
    }

    /// Merges two open shards whose hash keys are adjacent; their child.
    ///
    /// # Errors
    /// `NoStream`, `NoShard`; `Misconfigured` when one is closed or they are not adjacent.
    pub fn merge(&self, one: &ShardId, other: &ShardId) -> SourceResult<ShardId> {
        let now = self.now();
        self.change("MergeShards", |life| life.merge(one, other, now))
    }

    /// Trims all but the newest `keep` records of a shard.
    ///
    /// # Errors
    /// `NoStream`, `NoShard`.
    pub fn trim(&self, shard: &ShardId, keep: usize) -> SourceResult<()> {
        let remembers = self.0.options.remembers;
        self.change("Trim", |life| {
            let log = life.log_mut(shard)?;
            log.trim(log.len().saturating_sub(keep), remembers);
            log.ring();
            Ok(())
        })
    }

    /// Trims every record that arrived before `horizon`.
    ///
    /// # Errors
    /// `NoStream`.
    pub fn trim_before(&self, horizon: WallTime) -> SourceResult<()> {
        let remembers = self.0.options.remembers;
        self.change("Trim", |life| {
            for log in life.shards.values_mut() {
                log.trim(log.older_than(horizon), remembers);
                log.ring();
            }
            Ok(())
        })
    }

    /// Changes how long records are kept.
    pub fn retain(&self, retention: Duration) {
        self.state().retention = retention;
    }

    /// Deletes the stream, if it is there.
    pub fn delete(&self) {
        let mut state = self.state();
        let Some(life) = state.life.take() else { return };
        life.shards.values().for_each(|log| log.ring());
        if self.0.options.remembers {
            state.past.extend(life.history());
        }
    }

    /// Lets calls fail as `faults` decide, from now on.
    pub fn fail(&self, faults: StreamFaults) {
        self.state().faults = Some(faults);
    }

    /// Lets no call fail any more.
    pub fn heal(&self) {
        self.state().faults = None;
    }

    /// Everything ever put, by shard: what a consumer must have seen. Of all lives of the stream,
    /// trimmed records and expired shards included if the stream remembers them.
    #[must_use]
    pub fn history(&self) -> Vec<ShardHistory> {
        let state = self.state();
        let mut all = state.past.clone();
        all.extend(state.life.iter().flat_map(Life::history));
        all
    }

    /// How many readers were opened, of all lives of the stream, and what became of them.
    #[must_use]
    pub fn readers(&self) -> ReaderCounts {
        self.0.readers.counts()
    }

    fn change<T>(
        &self,
        op: &'static str,
        change: impl FnOnce(&mut Life) -> Result<T, Refused>,
    ) -> SourceResult<T> {
        let changed = self.state().life().and_then(change);
        changed.map_err(|why| self.error(op, why))
    }
}

fn check(partition_key: &str, data: &Bytes) -> Result<(), Refused> {
    let (most, length) = (MemoryStream::MAX_KEY, partition_key.chars().count());
    if length == 0 || length > most {
        let why = format!("a partition key of {length} characters: expected 1 to {most}");
        return Err((SourceErrorKind::Misconfigured, why));
    }
    let (most, length) = (MemoryStream::MAX_DATA, data.len());
    if length > most {
        let why = format!("a payload of {length} bytes: expected at most {most}");
        return Err((SourceErrorKind::Misconfigured, why));
    }
    Ok(())
}
