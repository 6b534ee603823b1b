//! One life of a stream, from its creation to its deletion.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use kcl_core::{
    env::WallTime,
    stream::{
        HashKey, HashRange, KplMark, Position, Record, SequenceNumber, Shard, ShardId,
        SourceErrorKind, StreamKey,
    },
};

use super::{key::sequence, log::ShardLog};

/// A shard and every record that was ever put into it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShardHistory {
    /// Which life of the stream.
    pub stream: StreamKey,
    /// The shard.
    pub shard: Shard,
    /// Its records, in order.
    pub records: Vec<Record>,
}

/// A refused change, in words.
pub(super) type Refused = (SourceErrorKind, String);

/// The shards of one life.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) key: StreamKey,
    pub(super) shards: BTreeMap<ShardId, ShardLog>,
    reads_per_second: Option<u32>,
    /// Counts sequence numbers.
    count: u64,
    /// Counts shards.
    made: u64,
}

impl Life {
    /// A life with `shards` shards of equal ranges.
    pub(super) fn new(key: StreamKey, shards: u32, reads_per_second: Option<u32>) -> Self {
        let mut life = Self { key, shards: BTreeMap::new(), reads_per_second, count: 0, made: 0 };
        let shards = HashKey::from(shards.max(1));
        let width = HashKey::MAX / shards;
        for n in 0..shards {
            let end = if n == shards - 1 { HashKey::MAX } else { width * (n + 1) - 1 };
            life.make_shard(HashRange::new(width * n, end), Vec::new());
        }
        life
    }

    fn make_shard(&mut self, range: HashRange, parents: Vec<ShardId>) -> ShardId {
        let index = self.made;
        self.made += 1;
        let id = shard_id(index);
        let mut shard = Shard::open(id.clone(), range);
        shard.parents = parents;
        shard.starting = Some(sequence(self.key.created, self.next(), index));
        self.shards.insert(id.clone(), ShardLog::new(shard, index, self.reads_per_second));
        id
    }

    fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// Puts a record into the open shard that covers `hash`.
    pub(super) fn put(
        &mut self,
        hash: HashKey,
        partition_key: String,
        data: Bytes,
        now: WallTime,
    ) -> Result<(ShardId, Record), Refused> {
        let (log, number) = self.place(hash)?;
        let record = Record::new(number.into(), Some(partition_key), data).arrived(now);
        log.push(record.clone());
        Ok((log.shard.id.clone(), record))
    }

    /// Puts the parts of an aggregate into the open shard that covers `hash`; the last of them.
    pub(super) fn put_aggregate(
        &mut self,
        hash: HashKey,
        partition_key: &str,
        parts: Vec<Bytes>,
        now: WallTime,
    ) -> Result<(ShardId, Record), Refused> {
        let (log, number) = self.place(hash)?;
        let mut last = None;
        for (part, sub) in parts.into_iter().zip(0..) {
            let position = Position::new(number.clone(), sub);
            let mut record =
                Record::new(position, Some(partition_key.to_owned()), part).arrived(now);
            record.kpl = KplMark::Aggregated;
            log.push(record.clone());
            last = Some(record);
        }
        let last = last.ok_or_else(|| refuse("an aggregate of no records".to_owned()))?;
        Ok((log.shard.id.clone(), last))
    }

    /// The open shard that covers `hash`, and the number of its next record.
    fn place(&mut self, hash: HashKey) -> Result<(&mut ShardLog, SequenceNumber), Refused> {
        let (count, created) = (self.next(), self.key.created);
        let covers = |log: &&mut ShardLog| {
            !log.shard.closed && log.shard.range.is_some_and(|range| range.contains(hash))
        };
        let log = self.shards.values_mut().find(covers).ok_or_else(|| {
            (SourceErrorKind::Unavailable, format!("no open shard covers hash key {hash}"))
        })?;
        let number = sequence(created, count, log.index);
        Ok((log, number))
    }

    /// Splits an open shard: its second child starts at `at`, or in the middle.
    pub(super) fn split(
        &mut self,
        id: &ShardId,
        at: Option<HashKey>,
        now: WallTime,
    ) -> Result<[ShardId; 2], Refused> {
        let range = self.open_range(id)?;
        let at = match (at, range.halves()) {
            (Some(at), _) => at,
            (None, Some((_, second))) => second.start,
            (None, None) => return Err(refuse(format!("{id} covers one hash key only"))),
        };
        if at <= range.start || at > range.end {
            return Err(refuse(format!("{at} is not inside {range}, the hash keys of {id}")));
        }
        let first = self.make_shard(HashRange::new(range.start, at - 1), vec![id.clone()]);
        let second = self.make_shard(HashRange::new(at, range.end), vec![id.clone()]);
        self.close(id, now, &[&first, &second]);
        Ok([first, second])
    }

    /// Merges two open shards whose ranges touch.
    pub(super) fn merge(
        &mut self,
        one: &ShardId,
        other: &ShardId,
        now: WallTime,
    ) -> Result<ShardId, Refused> {
        let (a, b) = (self.open_range(one)?, self.open_range(other)?);
        let touch = a.end.checked_add(1) == Some(b.start) || b.end.checked_add(1) == Some(a.start);
        if !touch {
            return Err(refuse(format!("{one} ({a}) and {other} ({b}) are not adjacent")));
        }
        let range = HashRange::new(a.start.min(b.start), a.end.max(b.end));
        let child = self.make_shard(range, vec![one.clone(), other.clone()]);
        self.close(one, now, &[&child]);
        self.close(other, now, &[&child]);
        Ok(child)
    }

    /// The log of a shard that is listed.
    pub(super) fn log_mut(&mut self, id: &ShardId) -> Result<&mut ShardLog, Refused> {
        self.shards.get_mut(id).ok_or_else(|| no_shard(id))
    }

    fn open_range(&self, id: &ShardId) -> Result<HashRange, Refused> {
        let log = self.shards.get(id).ok_or_else(|| no_shard(id))?;
        log.shard
            .range
            .filter(|_| !log.shard.closed)
            .ok_or_else(|| refuse(format!("{id} is closed already")))
    }

    fn close(&mut self, id: &ShardId, now: WallTime, children: &[&ShardId]) {
        if let Some(log) = self.shards.get_mut(id) {
            log.close(now, children.iter().copied().cloned().collect());
        }
    }

    /// Trims what is older than the retention; answers the shards that are no longer listed for it.
    pub(super) fn expire(
        &mut self,
        now: WallTime,
        retention: Duration,
        remembers: bool,
    ) -> Vec<ShardHistory> {
        let horizon = now.minus(retention);
        for log in self.shards.values_mut() {
            log.trim(log.older_than(horizon), remembers);
        }
        let gone =
            |log: &ShardLog| log.len() == 0 && log.closed_at.is_some_and(|closed| closed < horizon);
        let gone: Vec<_> =
            self.shards.values().filter(|log| gone(log)).map(|log| log.shard.id.clone()).collect();
        let gone: Vec<_> = gone.iter().filter_map(|id| self.shards.remove(id)).collect();
        gone.iter().for_each(ShardLog::ring);
        gone.iter().map(|log| self.told(log)).collect()
    }

    /// Everything ever put.
    pub(super) fn history(&self) -> impl Iterator<Item = ShardHistory> {
        self.shards.values().map(|log| self.told(log))
    }

    fn told(&self, log: &ShardLog) -> ShardHistory {
        ShardHistory {
            stream: self.key.clone(),
            shard: log.shard.clone(),
            records: log.all().cloned().collect(),
        }
    }
}

pub(super) fn no_shard(id: &ShardId) -> Refused {
    (SourceErrorKind::NoShard, format!("the stream has no shard {id}"))
}

fn refuse(why: String) -> Refused {
    (SourceErrorKind::Misconfigured, why)
}

#[expect(clippy::expect_used, reason = "28 letters and digits at most are a shard id")]
fn shard_id(index: u64) -> ShardId {
    format!("shardId-{index:012}").parse().expect("a shard id")
}
