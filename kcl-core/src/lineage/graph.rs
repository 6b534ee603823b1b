//! The shards and lease rows of one stream, joined.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    env::WallTime,
    lease::Lease,
    stream::{HashRange, Shard, ShardId, StreamKey},
};

/// The shards a stream lists and the lease rows of that stream, joined into one graph.
///
/// A row's absence and a shard's absence from the list mean different things: a shard is forgotten
/// by its stream when its last record has expired, a row is deleted after that. So "no row, not
/// listed" is the past, and "no row, listed" is work nobody has begun.
#[derive(Clone, Debug)]
pub struct Lineage<'a> {
    stream: &'a StreamKey,
    listed: BTreeMap<&'a ShardId, &'a Shard>,
    rows: BTreeMap<ShardId, &'a Lease>,
    other_lives: Vec<(WallTime, &'a Lease)>,
}

impl<'a> Lineage<'a> {
    /// Joins all shards that `stream` lists with those of `leases` that are of this stream; roles
    /// and leases of other streams are passed over.
    #[must_use]
    pub fn new<'l: 'a>(
        stream: &'a StreamKey,
        shards: &'a [Shard],
        leases: impl IntoIterator<Item = &'l Lease>,
    ) -> Self {
        let mut rows = BTreeMap::new();
        let mut other_lives = Vec::new();
        for lease in leases {
            let Some(of) = lease.key.stream().filter(|of| of.name == stream.name) else { continue };
            if of.created != stream.created {
                other_lives.push((of.created, lease));
            } else if let Some(shard) = lease.key.shard() {
                rows.insert(shard, lease);
            }
        }
        let listed = shards.iter().map(|shard| (&shard.id, shard)).collect();
        Self { stream, listed, rows, other_lives }
    }

    /// Which stream this is.
    #[must_use]
    pub const fn stream(&self) -> &'a StreamKey {
        self.stream
    }

    /// The shard called `id`, if the stream lists it.
    #[must_use]
    pub fn shard(&self, id: &ShardId) -> Option<&'a Shard> {
        self.listed.get(id).copied()
    }

    /// The row of the shard called `id`.
    #[must_use]
    pub fn lease(&self, id: &ShardId) -> Option<&'a Lease> {
        self.rows.get(id).copied()
    }

    /// The shards the stream lists, in the order of ids.
    pub fn shards(&self) -> impl Iterator<Item = &'a Shard> + '_ {
        self.listed.values().copied()
    }

    /// The rows of the stream, in the order of shard ids.
    pub fn leases(&self) -> impl Iterator<Item = (&ShardId, &'a Lease)> + '_ {
        self.rows.iter().map(|(id, lease)| (id, *lease))
    }

    /// The parents of a shard, listed or not; empty if the shard is in neither list nor rows.
    #[must_use]
    pub fn parents(&self, id: &ShardId) -> &'a [ShardId] {
        match (self.shard(id), self.lease(id)) {
            (Some(shard), _) => &shard.parents,
            (None, Some(lease)) => &lease.parents,
            (None, None) => &[],
        }
    }

    /// The hash keys a shard covers, where known.
    #[must_use]
    pub fn range(&self, id: &ShardId) -> Option<HashRange> {
        let listed = self.shard(id).and_then(|shard| shard.range);
        listed.or_else(|| self.lease(id).and_then(|lease| lease.range))
    }

    /// Whether `lease` may be read: its shard has not ended, and every parent has positively ended.
    ///
    /// An absent parent row counts as ended only if the stream lists the child and no longer the
    /// parent. If it lists neither, the list may simply be older than both, so rows may be newer
    /// than the list here: the worst that comes of it is a wait for the next list.
    #[must_use]
    pub fn is_runnable(&self, lease: &Lease) -> bool {
        let Some(id) = lease.key.shard() else { return false };
        let in_list = self.shard(&id).is_some();
        let done = |parent: &ShardId| match self.lease(parent) {
            Some(row) => row.has_ended(),
            None => is_forgotten(in_list, self.shard(parent).is_some()),
        };
        let parents = self.parents(&id);
        let unblocked = are_all_done(parents, done);
        sometimes!(
            ForgottenParentEnded,
            unblocked && parents.iter().any(|p| self.lease(p).is_none())
        );
        !lease.has_ended() && unblocked
    }

    /// The rows of former lives of the stream, which was deleted and made again since.
    pub(super) fn former_life(&self) -> impl Iterator<Item = &'a Lease> + '_ {
        let former = self.other_lives.iter().filter(|(life, _)| *life < self.stream.created);
        former.map(|(_, lease)| *lease)
    }

    /// A row of a later life of the stream: the one in hand is over.
    pub(super) fn later_life(&self) -> Option<&'a Lease> {
        let later = self.other_lives.iter().find(|(life, _)| *life > self.stream.created);
        later.map(|(_, lease)| *lease)
    }

    /// Whether reading of the shard called `id` is over, by a list that is newer than the rows: it
    /// ended, or it has no row and the stream has forgotten it.
    pub(super) fn is_past(&self, id: &ShardId) -> bool {
        self.lease(id).map_or_else(|| self.shard(id).is_none(), Lease::has_ended)
    }

    /// The listed shards, each after its listed parents, else in the order of ids. Shards whose
    /// parents run in a circle, which no stream has, come last.
    pub(super) fn parents_first(&self) -> Vec<&'a Shard> {
        let mut waits: BTreeMap<&ShardId, usize> = BTreeMap::new();
        let mut children: BTreeMap<&ShardId, Vec<&'a Shard>> = BTreeMap::new();
        for shard in self.shards() {
            let parents = shard.parents.iter().filter(|p| self.listed.contains_key(p));
            for parent in parents.clone() {
                children.entry(parent).or_default().push(shard);
            }
            waits.insert(&shard.id, parents.count());
        }
        let free = |id: &&ShardId| waits.get(*id) == Some(&0);
        let mut ready: BTreeSet<&ShardId> = self.listed.keys().copied().filter(free).collect();
        let mut ordered = Vec::with_capacity(self.listed.len());
        while let Some(id) = ready.pop_first() {
            ordered.extend(self.shard(id));
            waits.remove(id);
            for child in children.get(id).into_iter().flatten() {
                if let Some(left) = waits.get_mut(&child.id) {
                    *left -= 1;
                    if *left == 0 {
                        ready.insert(&child.id);
                    }
                }
            }
        }
        ordered.extend(waits.keys().filter_map(|id| self.shard(id)));
        ordered
    }
}

/// Whether a parent without a row has been forgotten by its stream, and so has ended: the list
/// shows the child, and no longer the parent.
fn is_forgotten(child_listed: bool, parent_listed: bool) -> bool {
    child_listed && !parent_listed || planted!(AbsentParentEnded)
}

/// Whether every parent has positively ended.
fn are_all_done<'p>(parents: &'p [ShardId], done: impl Fn(&'p ShardId) -> bool) -> bool {
    parents.iter().all(done) || planted!(ChildRunsEarly)
}
