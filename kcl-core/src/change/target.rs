//! The target of a change: the content that each row and document should get. It is the result of a
//! [`Design`](super::Design).

use bytes::Bytes;

use crate::lease::{Checkpoint, DocName, Lease, LeaseKey};
use crate::stream::ShardId;

/// A checkpoint, with the fields of a row that go with it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Spot {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The shards that continue an ended shard; empty for any other checkpoint.
    pub children: Vec<ShardId>,
}

impl Spot {
    /// This checkpoint of a shard that has not ended.
    #[must_use]
    pub const fn at(checkpoint: Checkpoint) -> Self {
        Self { checkpoint, children: Vec::new() }
    }

    /// The end of a shard, which these shards continue.
    #[must_use]
    pub const fn ended(children: Vec<ShardId>) -> Self {
        Self { checkpoint: Checkpoint::ShardEnd, children }
    }

    /// The checkpoint of a row.
    #[must_use]
    pub fn of(row: &Lease) -> Self {
        let children = if row.has_ended() { row.children.clone() } else { Vec::new() };
        Self { checkpoint: row.checkpoint.clone(), children }
    }
}

/// The change of one lease.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RowChange {
    /// The row as it was found. For a lease that had none, the row that the lineage would make.
    pub row: Lease,
    /// Whether there was a row.
    pub found: bool,
    /// The checkpoint that the row should get.
    pub to: Spot,
}

impl RowChange {
    /// A row that keeps its checkpoint. It is written nevertheless, so that the store refuses
    /// writes that a dead worker has under way.
    #[must_use]
    pub fn kept(row: &Lease) -> Self {
        Self { row: row.clone(), found: true, to: Spot::of(row) }
    }

    /// A row that gets another checkpoint.
    #[must_use]
    pub fn moved(row: &Lease, to: Spot) -> Self {
        Self { row: row.clone(), found: true, to }
    }

    /// A new row, with this content.
    #[must_use]
    pub fn made(row: Lease) -> Self {
        Self { found: false, to: Spot::of(&row), row }
    }

    /// The key of the lease.
    #[must_use]
    pub const fn key(&self) -> &LeaseKey {
        &self.row.key
    }

    /// The checkpoint that the row should get; for an undo the one that it had before.
    #[must_use]
    pub fn wanted(&self, undo: bool) -> Spot {
        if undo { Spot::of(&self.row) } else { self.to.clone() }
    }
}

/// The change of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DocChange {
    /// The name of the document.
    pub name: DocName,
    /// Its content as it was found. If there was none, a content that changes nothing: for an undo
    /// cannot delete the document while a late write may bring it back.
    pub from: Bytes,
    /// The content that it should get.
    pub to: Bytes,
}

impl DocChange {
    /// The document `name` with the content `from` should get the content `to`.
    #[must_use]
    pub const fn new(name: DocName, from: Bytes, to: Bytes) -> Self {
        Self { name, from, to }
    }

    /// The content that the document should get; for an undo the one that it had before.
    #[must_use]
    pub fn wanted(&self, undo: bool) -> Bytes {
        if undo { self.from.clone() } else { self.to.clone() }
    }
}

/// The target of a change: every row of a shard that the application has or should get, and the
/// documents that say where it reads from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target {
    /// The leases of shards, unchanged ones included. Leases of roles (like `@planner`) are not
    /// among them.
    pub rows: Vec<RowChange>,
    /// The documents, in the order in which they are written. They are written after the rows.
    pub docs: Vec<DocChange>,
}
