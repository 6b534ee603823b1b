//! The stream of a simulated fleet: records are only counted.

use std::collections::BTreeMap;

use kcl_core::{
    coordinator::StreamView,
    env::{Time, WallTime},
    stream::{HashRange, Shard, ShardId, StreamDescription, StreamKey},
};

/// A shard whose records are numbered 1, 2, 3, ….
#[derive(Clone, Debug)]
pub(super) struct SimShard {
    pub(super) listed: Shard,
    opened: Time,
    closed: Option<Time>,
    pub(super) children: Vec<ShardId>,
}

/// A stream whose shards all take records at one rate.
#[derive(Debug)]
pub(super) struct SimStream {
    pub(super) key: StreamKey,
    pub(super) shards: BTreeMap<ShardId, SimShard>,
    /// Shards that the stream forgot.
    pub(super) forgotten: BTreeMap<ShardId, SimShard>,
    rate: u64,
    next: usize,
}

impl SimStream {
    pub(super) fn new(shards: usize, rate: u64) -> Self {
        let key = StreamKey::new("orders", WallTime::from_millis(1_700_000_000_000));
        let mut stream =
            Self { key, shards: BTreeMap::new(), forgotten: BTreeMap::new(), rate, next: 0 };
        let count = u128::try_from(shards.max(1)).unwrap_or(1);
        let width = u128::MAX / count;
        for n in 0..count {
            let end = if n + 1 == count { u128::MAX } else { (n + 1) * width - 1 };
            stream.open(Vec::new(), HashRange::new(n * width, end), Time::ZERO);
        }
        stream
    }

    fn open(&mut self, parents: Vec<ShardId>, range: HashRange, now: Time) -> ShardId {
        let name = format!("shardId-{:012}", self.next);
        self.next += 1;
        #[expect(clippy::expect_used, reason = "the name is made of digits and letters")]
        let id: ShardId = name.parse().expect("a valid shard id");
        let mut listed = Shard::open(id.clone(), range);
        listed.parents = parents;
        let shard = SimShard { listed, opened: now, closed: None, children: Vec::new() };
        self.shards.insert(id.clone(), shard);
        id
    }

    /// The open shards, in the order of their hash ranges.
    pub(super) fn open_shards(&self) -> Vec<ShardId> {
        let mut open: Vec<&SimShard> =
            self.shards.values().filter(|shard| shard.closed.is_none()).collect();
        open.sort_by_key(|shard| shard.listed.range.map(|range| range.start));
        open.into_iter().map(|shard| shard.listed.id.clone()).collect()
    }

    pub(super) fn split(&mut self, which: usize, now: Time) {
        let open = self.open_shards();
        let Some(id) = open.get(which % open.len().max(1)) else { return };
        let Some((low, high)) = self.range(id).and_then(|range| range.halves()) else { return };
        let children =
            vec![self.open(vec![id.clone()], low, now), self.open(vec![id.clone()], high, now)];
        self.close(id, &children, now);
    }

    pub(super) fn merge(&mut self, which: usize, now: Time) {
        let open = self.open_shards();
        if open.len() < 2 {
            return;
        }
        let at = which % (open.len() - 1);
        let (Some(left), Some(right)) = (open.get(at), open.get(at + 1)) else { return };
        let (Some(low), Some(high)) = (self.range(left), self.range(right)) else { return };
        let range = HashRange::new(low.start, high.end);
        let child = self.open(vec![left.clone(), right.clone()], range, now);
        self.close(left, std::slice::from_ref(&child), now);
        self.close(right, std::slice::from_ref(&child), now);
    }

    fn range(&self, id: &ShardId) -> Option<HashRange> {
        self.shards.get(id).and_then(|shard| shard.listed.range)
    }

    fn close(&mut self, id: &ShardId, children: &[ShardId], now: Time) {
        if let Some(shard) = self.shards.get_mut(id) {
            shard.closed = Some(now);
            shard.listed.closed = true;
            shard.children = children.to_vec();
        }
    }

    /// Forgets a closed shard.
    pub(super) fn forget(&mut self, id: &ShardId) {
        if let Some(shard) = self.shards.remove(id) {
            self.forgotten.insert(id.clone(), shard);
        }
    }

    pub(super) fn get(&self, id: &ShardId) -> Option<&SimShard> {
        self.shards.get(id).or_else(|| self.forgotten.get(id))
    }

    /// How many records the shard has at `now`.
    pub(super) fn count(&self, id: &ShardId, now: Time) -> u64 {
        let Some(shard) = self.get(id) else { return 0 };
        let until = shard.closed.unwrap_or(now).min(now);
        let micros = until.as_micros().saturating_sub(shard.opened.as_micros());
        1 + micros / 1_000 * self.rate / 100_000
    }

    pub(super) fn is_closed(&self, id: &ShardId) -> bool {
        self.get(id).is_some_and(|shard| shard.closed.is_some())
    }

    pub(super) fn view(&self, now: Time) -> StreamView {
        let server_time = WallTime::from_millis(1_700_000_000_000 + now.as_micros() / 1_000);
        StreamView {
            description: StreamDescription {
                key: self.key.clone(),
                retention: std::time::Duration::from_secs(86_400),
                server_time,
            },
            shards: self.shards.values().map(|shard| shard.listed.clone()).collect(),
        }
    }

    /// The shards that continue an ended one, as a reader learns of them.
    pub(super) fn children(&self, id: &ShardId) -> Vec<Shard> {
        let names = self.get(id).map(|shard| shard.children.clone()).unwrap_or_default();
        names.iter().filter_map(|id| self.get(id)).map(|shard| shard.listed.clone()).collect()
    }
}
