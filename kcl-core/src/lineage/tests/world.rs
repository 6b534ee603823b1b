//! A stream that is split, merged and trimmed, and the rows that a fleet keeps of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    env::WallTime,
    lease::{Checkpoint, Delete, Epoch, Incarnation, Lease, LeaseKey, SessionId, Write, rules},
    lineage::{Changes, FrozenStart, Lineage, reconcile},
    stream::{HashRange, Shard, ShardId, StreamKey},
};

/// A shard, with the times that no list shows: when it was opened and closed.
#[derive(Clone, Debug)]
struct Life {
    shard: Shard,
    opened: u64,
    closed: Option<u64>,
    trimmed: bool,
}

/// The stream as it is, the rows as they are, and what the planner knows of both.
#[derive(Debug)]
pub(super) struct World {
    stream: StreamKey,
    lives: Vec<Life>,
    now: u64,
    start: FrozenStart,
    pub(super) rows: BTreeMap<ShardId, Lease>,
    read_rows: Vec<Lease>,
    list: Vec<Shard>,
    orphaned: BTreeSet<LeaseKey>,
    processed: Vec<ShardId>,
}

impl World {
    pub(super) fn new(shards: u32) -> Self {
        let mut world = Self {
            stream: StreamKey::new("orders", WallTime::from_millis(1)),
            lives: Vec::new(),
            now: 1,
            start: FrozenStart::TrimHorizon,
            rows: BTreeMap::new(),
            read_rows: Vec::new(),
            list: Vec::new(),
            orphaned: BTreeSet::new(),
            processed: Vec::new(),
        };
        let width = u128::MAX / u128::from(shards);
        for n in 0..u128::from(shards) {
            let end = if n + 1 == u128::from(shards) { u128::MAX } else { (n + 1) * width - 1 };
            world.add(Vec::new(), HashRange::new(n * width, end));
        }
        world
    }

    fn add(&mut self, parents: Vec<ShardId>, range: HashRange) {
        let id: ShardId = format!("shardId-{:012}", self.lives.len()).parse().unwrap();
        let shard = Shard { parents, ..Shard::open(id, range) };
        self.lives.push(Life { shard, opened: self.now, closed: None, trimmed: false });
    }

    /// Open shards, in the order of hash keys.
    fn open(&self) -> Vec<usize> {
        let mut open: Vec<usize> =
            (0..self.lives.len()).filter(|n| self.lives[*n].closed.is_none()).collect();
        open.sort_by_key(|n| self.lives[*n].shard.range);
        open
    }

    fn close(&mut self, shard: usize) -> (ShardId, HashRange) {
        self.lives[shard].closed = Some(self.now);
        self.lives[shard].shard.closed = true;
        (self.lives[shard].shard.id.clone(), self.lives[shard].shard.range.unwrap())
    }

    pub(super) fn split(&mut self, pick: usize) {
        self.now += 1;
        let open = self.open();
        let (parent, range) = self.close(open[pick % open.len()]);
        let (low, high) = range.halves().unwrap();
        self.add(vec![parent.clone()], low);
        self.add(vec![parent], high);
    }

    pub(super) fn merge(&mut self, pick: usize) {
        let open = self.open();
        if open.len() < 2 {
            return;
        }
        self.now += 1;
        let at = pick % (open.len() - 1);
        let (low, below) = self.close(open[at]);
        let (high, above) = self.close(open[at + 1]);
        self.add(vec![low, high], HashRange::new(below.start, above.end));
    }

    /// The stream forgets up to `most` shards, in the order in which they were closed.
    pub(super) fn trim(&mut self, most: usize) {
        let mut closed: Vec<&mut Life> =
            self.lives.iter_mut().filter(|life| !life.trimmed && life.closed.is_some()).collect();
        closed.sort_by_key(|life| life.closed);
        for life in closed.into_iter().take(most) {
            life.trimmed = true;
        }
    }

    /// LATEST becomes the present; what was there before is older than the start.
    pub(super) fn start_now(&mut self) {
        self.start = FrozenStart::AtTimestamp(WallTime::from_millis(self.now));
        self.now += 1;
    }

    pub(super) fn read_rows(&mut self) {
        self.read_rows = self.rows.values().cloned().collect();
    }

    pub(super) fn list(&mut self) {
        let listed = self.lives.iter().filter(|life| !life.trimmed);
        self.list = listed.map(|life| life.shard.clone()).collect();
    }

    /// Lists the shards and compares them with the rows as last read; applies at most the first
    /// `most` changes.
    pub(super) fn reconcile(&mut self, most: usize) -> Changes {
        self.list();
        let lineage = Lineage::new(&self.stream, &self.list, &self.read_rows);
        let changes = reconcile(&lineage, self.start);
        assert_eq!(
            (&changes.holes, &changes.problems, &changes.stale),
            (&vec![], &vec![], &vec![])
        );
        self.orphaned = changes.orphaned.iter().cloned().collect();
        for lease in changes.create.iter().take(most) {
            self.put(lease.clone());
        }
        for delete in changes.delete.iter().take(most.saturating_sub(changes.create.len())) {
            self.delete(delete);
        }
        changes
    }

    fn put(&mut self, lease: Lease) {
        let id = lease.key.shard().unwrap();
        if self.rows.contains_key(&id) {
            return;
        }
        if lease.checkpoint == Checkpoint::TrimHorizon
            && let FrozenStart::AtTimestamp(start) = self.start
        {
            let opened = self.life(&id).opened;
            assert!(opened > start.as_millis(), "{id} delivers records from before the start");
        }
        self.rows.insert(id, lease);
    }

    fn delete(&mut self, delete: &Delete) {
        let id = delete.key.shard().unwrap();
        if rules::delete(self.rows.get(&id), delete).is_done() {
            self.rows.remove(&id);
        }
    }

    fn life(&self, id: &ShardId) -> &Life {
        self.lives.iter().find(|life| life.shard.id == *id).unwrap()
    }

    /// The leases that a planner would hand out now, by its last list, which may be old.
    pub(super) fn runnable(&self) -> Vec<ShardId> {
        let rows: Vec<Lease> = self.rows.values().cloned().collect();
        let lineage = Lineage::new(&self.stream, &self.list, &rows);
        let may_run = |l: &&Lease| lineage.is_runnable(l) || self.orphaned.contains(&l.key);
        let runnable = rows.iter().filter(|lease| !lease.has_ended()).filter(may_run);
        runnable.map(|lease| lease.key.shard().unwrap()).collect()
    }

    /// The owner of a runnable lease reads to the end of its shard, if that has an end, and dies
    /// before or after it has written so. Fails if a parent is still to be read.
    pub(super) fn read_to_end(&mut self, pick: usize, dies: bool) {
        let runnable = self.runnable();
        if runnable.is_empty() {
            return;
        }
        let id = &runnable[pick % runnable.len()];
        let life = self.life(id).clone();
        for parent in &life.shard.parents {
            let ended = self.processed.contains(parent);
            assert!(ended || self.life(parent).trimmed, "{id} is read before its parent {parent}");
        }
        if life.closed.is_none() {
            return;
        }
        let is_child = |other: &&Life| !other.trimmed && other.shard.parents.contains(id);
        let children: Vec<Shard> =
            self.lives.iter().filter(is_child).map(|life| life.shard.clone()).collect();
        let ids = children.iter().map(|child| child.id.clone()).collect();
        for child in children {
            let key = LeaseKey::of_shard(&self.stream, &child.id);
            self.put(Lease::new(key, Checkpoint::TrimHorizon).of_shard(child.parents, child.range));
        }
        if !dies {
            self.end(id, ids);
        }
    }

    fn end(&mut self, id: &ShardId, children: Vec<ShardId>) {
        assert!(!self.processed.contains(id), "{id} is read twice");
        let row = self.rows.get_mut(id).unwrap();
        let owner = SessionId::new("w".parse().unwrap(), Incarnation::from_bits(1));
        row.owner = Some(owner.clone());
        row.epoch = Epoch(row.epoch.0 + 1);
        let end =
            crate::lease::Advance::new(row.key.clone(), owner, row.epoch, Checkpoint::ShardEnd);
        let Write::Done(next) = rules::advance(Some(row), &end.with_children(children)) else {
            panic!("the end of {id} was refused");
        };
        *row = next;
        self.processed.push(id.clone());
    }

    /// Everything that can be read is read, until nothing changes any more.
    pub(super) fn settle(&mut self) {
        loop {
            let before = (self.rows.clone(), self.processed.len());
            self.read_rows();
            self.reconcile(usize::MAX);
            for pick in 0..self.runnable().len() {
                self.read_to_end(pick, false);
            }
            if before == (self.rows.clone(), self.processed.len()) {
                return;
            }
        }
    }

    /// Every record that still exists was read: each listed shard was read to its end, or is open
    /// and being read.
    pub(super) fn assert_all_is_read(&self) {
        let runnable = self.runnable();
        for life in self.lives.iter().filter(|life| !life.trimmed) {
            let id = &life.shard.id;
            if life.closed.is_some() {
                assert!(self.processed.contains(id), "{id} is not read");
            } else {
                assert!(runnable.contains(id), "{id} is open and not read");
            }
        }
    }

    pub(super) fn open_shards(&self) -> Vec<ShardId> {
        let mut ids: Vec<ShardId> =
            self.open().into_iter().map(|n| self.lives[n].shard.id.clone()).collect();
        ids.sort();
        ids
    }

    pub(super) fn live_rows(&self) -> Vec<ShardId> {
        self.rows.keys().cloned().collect()
    }
}
