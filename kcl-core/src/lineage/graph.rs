//! The graph of one stream: its listed shards joined with its lease rows.

use std::{cmp::Reverse, collections::BinaryHeap};

use crate::{
    env::WallTime,
    lease::Lease,
    stream::{HashRange, Shard, ShardId, StreamKey},
};

/// The shards that a stream lists and its lease rows, joined into one graph.
///
/// That a row is absent means something else than that a shard is not listed. A stream forgets a
/// shard when its last record has expired, and the row is deleted after that. So a shard without a
/// row that is not listed is past, and one without a row that is listed has never been read.
#[derive(Clone, Debug)]
pub struct Lineage<'a> {
    /// The stream, in the life that was listed.
    stream: &'a StreamKey,
    /// The shards, in the order of ids.
    nodes: Vec<Node<'a>>,
    /// The rows of other lives of the stream, with the creation time of that life.
    other_lives: Vec<(WallTime, &'a Lease)>,
}

/// A shard that is listed, or has a row, or both.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    /// The shard's id.
    pub(crate) id: ShardId,
    /// The shard as the stream lists it; `None` if it does not.
    pub(crate) shard: Option<&'a Shard>,
    /// The shard's lease row; `None` if it has none.
    pub(crate) row: Option<&'a Lease>,
}

impl<'a> Node<'a> {
    /// The parents, as the list says, else as the row says.
    pub(crate) fn parents(&self) -> &'a [ShardId] {
        match (self.shard, self.row) {
            (Some(shard), _) => &shard.parents,
            (None, Some(lease)) => &lease.parents,
            (None, None) => &[],
        }
    }

    /// The hash keys that the shard covers; `None` if they are not known.
    pub(super) fn range(&self) -> Option<HashRange> {
        let listed = self.shard.and_then(|shard| shard.range);
        listed.or_else(|| self.row.and_then(|row| row.range))
    }

    /// Whether the shard was read to its end; the list has to be newer than the row.
    fn is_past(&self) -> bool {
        self.row.map_or_else(|| self.shard.is_none(), Lease::has_ended)
    }
}

impl<'a> Lineage<'a> {
    /// Joins the shards that `stream` lists with those of `leases` that are of this stream. Leases
    /// of roles and of other streams are ignored. It is fast if both are in the order of ids.
    #[must_use]
    pub fn new<'l: 'a>(
        stream: &'a StreamKey,
        shards: &'a [Shard],
        leases: impl IntoIterator<Item = &'l Lease>,
    ) -> Self {
        let mut rows = Vec::new();
        let mut other_lives = Vec::new();
        for lease in leases {
            match lease.key.place() {
                Some((of, created, shard)) if of == &*stream.name => {
                    if created == stream.created {
                        rows.push((shard, lease));
                    } else {
                        other_lives.push((created, lease));
                    }
                }
                _ => {}
            }
        }
        let listed = shards.iter().map(|shard| (shard.id.as_str(), shard)).collect();
        Self { stream, nodes: joined(in_order(listed), in_order(rows)), other_lives }
    }

    /// The stream, in the life that was listed.
    #[must_use]
    pub const fn stream(&self) -> &'a StreamKey {
        self.stream
    }

    /// Every shard that is listed or has a row, in the order of ids.
    pub(crate) fn nodes(&self) -> &[Node<'a>] {
        &self.nodes
    }

    /// The index of a shard among the nodes.
    pub(super) fn position(&self, id: &str) -> Option<usize> {
        self.nodes.binary_search_by(|node| node.id.as_str().cmp(id)).ok()
    }

    fn node(&self, id: &ShardId) -> Option<&Node<'a>> {
        self.nodes.get(self.position(id.as_str())?)
    }

    /// The shard of this id; `None` if the stream does not list it.
    #[must_use]
    pub fn shard(&self, id: &ShardId) -> Option<&'a Shard> {
        self.node(id)?.shard
    }

    /// The row of the shard of this id; `None` if it has none.
    #[must_use]
    pub fn lease(&self, id: &ShardId) -> Option<&'a Lease> {
        self.node(id)?.row
    }

    /// The shards that the stream lists, in the order of ids.
    pub fn shards(&self) -> impl Iterator<Item = &'a Shard> + '_ {
        self.nodes.iter().filter_map(|node| node.shard)
    }

    /// The rows of the stream, in the order of shard ids.
    pub fn leases(&self) -> impl Iterator<Item = (&ShardId, &'a Lease)> + '_ {
        self.nodes.iter().filter_map(|node| Some((&node.id, node.row?)))
    }

    /// The parents of a shard, listed or not; empty if the shard is neither listed nor has a row.
    #[must_use]
    pub fn parents(&self, id: &ShardId) -> &'a [ShardId] {
        self.node(id).map_or(&[], Node::parents)
    }

    /// The hash keys that a shard covers; `None` if they are not known.
    #[must_use]
    pub fn range(&self, id: &ShardId) -> Option<HashRange> {
        self.node(id)?.range()
    }

    /// Whether `lease` may be read: its shard has not ended, and every parent is known to have
    /// ended.
    ///
    /// A parent without a row counts as ended only if the stream lists the child and no longer the
    /// parent. If it lists neither, the list may be older than both: so the rows may be newer than
    /// the list here, and at worst a lease waits for the next list.
    #[must_use]
    pub fn is_runnable(&self, lease: &Lease) -> bool {
        let Some((.., shard)) = lease.key.place() else { return false };
        let node = self.position(shard).and_then(|at| self.nodes.get(at));
        let parents = node.map_or([].as_slice(), Node::parents);
        self.may_be_read(lease, node.is_some_and(|node| node.shard.is_some()), parents)
    }

    /// The rows, each with whether it may be read: see [`Lineage::is_runnable`].
    pub(crate) fn readable(&self) -> impl Iterator<Item = (&Node<'a>, &'a Lease, bool)> {
        self.nodes.iter().filter_map(|node| {
            let row = node.row?;
            let may = self.may_be_read(row, node.shard.is_some(), node.parents());
            Some((node, row, may))
        })
    }

    /// Whether a row may be read. `in_list` says whether the stream lists its shard.
    fn may_be_read(&self, lease: &Lease, in_list: bool, parents: &[ShardId]) -> bool {
        let done = |parent: &ShardId| match self.lease(parent) {
            Some(row) => row.has_ended(),
            None => is_forgotten(in_list, self.shard(parent).is_some()),
        };
        let unblocked = are_all_done(parents, done);
        sometimes!(
            ForgottenParentEnded,
            unblocked && parents.iter().any(|p| self.lease(p).is_none())
        );
        !lease.has_ended() && unblocked
    }

    /// The rows of earlier lives of the stream, which was deleted and made again.
    pub(super) fn former_life(&self) -> impl Iterator<Item = &'a Lease> + '_ {
        let former = self.other_lives.iter().filter(|(life, _)| *life < self.stream.created);
        former.map(|(_, lease)| *lease)
    }

    /// A row of a later life of the stream: the listed life is over.
    pub(super) fn later_life(&self) -> Option<&'a Lease> {
        let later = self.other_lives.iter().find(|(life, _)| *life > self.stream.created);
        later.map(|(_, lease)| *lease)
    }

    /// Whether the shard of this id was read to its end: its row has ended, or it has no row and
    /// the stream has forgotten it. The list has to be newer than the rows.
    pub(super) fn is_past(&self, id: &ShardId) -> bool {
        self.node(id).is_none_or(Node::is_past)
    }

    /// The indexes of the listed shards, each behind its listed parents, else in the order of ids.
    /// Shards whose parents form a circle, which no stream has, come last.
    pub(super) fn parents_first(&self) -> Vec<usize> {
        let mut waits = vec![0_usize; self.nodes.len()];
        let mut children = Vec::new();
        for (at, shard) in self.listed() {
            for parent in shard.parents.iter().filter_map(|parent| self.listed_at(parent)) {
                children.push((parent, at));
                waits[at] += 1;
            }
        }
        children.sort_unstable();
        let free = self.listed().map(|(at, _)| at).filter(|at| waits[*at] == 0);
        let mut ready: BinaryHeap<Reverse<usize>> = free.map(Reverse).collect();
        let mut ordered = Vec::with_capacity(self.nodes.len());
        while let Some(Reverse(at)) = ready.pop() {
            ordered.push(at);
            let first = children.partition_point(|(parent, _)| *parent < at);
            for (_, child) in children[first..].iter().take_while(|(parent, _)| *parent == at) {
                waits[*child] -= 1;
                if waits[*child] == 0 {
                    ready.push(Reverse(*child));
                }
            }
        }
        ordered.extend(self.listed().map(|(at, _)| at).filter(|at| waits[*at] > 0));
        ordered
    }

    fn listed(&self) -> impl Iterator<Item = (usize, &'a Shard)> + '_ {
        let nodes = self.nodes.iter().enumerate();
        nodes.filter_map(|(at, node)| Some((at, node.shard?)))
    }

    fn listed_at(&self, id: &ShardId) -> Option<usize> {
        self.position(id.as_str()).filter(|at| self.nodes[*at].shard.is_some())
    }
}

/// Sorts by name, and keeps the last item of each name.
fn in_order<T: Copy>(mut named: Vec<(&str, T)>) -> Vec<(&str, T)> {
    named.sort_by_key(|(name, _)| *name);
    named.dedup_by(|later, earlier| {
        let again = later.0 == earlier.0;
        if again {
            *earlier = *later;
        }
        again
    });
    named
}

/// Joins shards and rows, both in the order of names.
fn joined<'a>(shards: Vec<(&str, &'a Shard)>, rows: Vec<(&str, &'a Lease)>) -> Vec<Node<'a>> {
    let mut nodes = Vec::with_capacity(shards.len().max(rows.len()));
    let mut rows = rows.into_iter().peekable();
    let alone = |(name, row): (&str, &'a Lease)| {
        Some(Node { id: name.parse().ok()?, shard: None, row: Some(row) })
    };
    for (name, shard) in shards {
        while let Some(earlier) = rows.next_if(|(of, _)| *of < name) {
            nodes.extend(alone(earlier));
        }
        let row = rows.next_if(|(of, _)| *of == name).map(|(_, row)| row);
        nodes.push(Node { id: shard.id.clone(), shard: Some(shard), row });
    }
    nodes.extend(rows.filter_map(alone));
    nodes
}

/// Whether a parent without a row was forgotten by its stream and so has ended: the list shows the
/// child, and no longer the parent.
fn is_forgotten(child_listed: bool, parent_listed: bool) -> bool {
    child_listed && !parent_listed || planted!(AbsentParentEnded)
}

/// Whether every parent is known to have ended.
fn are_all_done<'p>(parents: &'p [ShardId], done: impl Fn(&'p ShardId) -> bool) -> bool {
    parents.iter().all(done) || planted!(ChildRunsEarly)
}
