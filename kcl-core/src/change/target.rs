//! What becomes of each row and document.

use bytes::Bytes;

use crate::lease::{Checkpoint, DocName, Lease, LeaseKey};
use crate::stream::ShardId;

/// How far a shard is processed, with what goes along with that in its row.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Spot {
    /// How far.
    pub checkpoint: Checkpoint,
    /// With the end of the shard: the shards that continue it.
    pub children: Vec<ShardId>,
}

impl Spot {
    /// Here; the shard has not ended.
    #[must_use]
    pub const fn at(checkpoint: Checkpoint) -> Self {
        Self { checkpoint, children: Vec::new() }
    }

    /// At the end of the shard, which these continue.
    #[must_use]
    pub const fn ended(children: Vec<ShardId>) -> Self {
        Self { checkpoint: Checkpoint::ShardEnd, children }
    }

    /// Where a row stands.
    #[must_use]
    pub fn of(row: &Lease) -> Self {
        let children = if row.has_ended() { row.children.clone() } else { Vec::new() };
        Self { checkpoint: row.checkpoint.clone(), children }
    }
}

/// What becomes of one lease.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RowChange {
    /// The row as it was found; of a lease that had none, the row as the lineage would make it.
    pub row: Lease,
    /// Whether there was a row.
    pub found: bool,
    /// Where it is to stand.
    pub to: Spot,
}

impl RowChange {
    /// A row that stays where it stands: it is written all the same, so that whatever is still on
    /// its way to it is refused.
    #[must_use]
    pub fn kept(row: &Lease) -> Self {
        Self { row: row.clone(), found: true, to: Spot::of(row) }
    }

    /// A row that is to stand elsewhere.
    #[must_use]
    pub fn moved(row: &Lease, to: Spot) -> Self {
        Self { row: row.clone(), found: true, to }
    }

    /// A row that is to be made, as it stands here.
    #[must_use]
    pub fn made(row: Lease) -> Self {
        Self { found: false, to: Spot::of(&row), row }
    }

    /// Which lease.
    #[must_use]
    pub const fn key(&self) -> &LeaseKey {
        &self.row.key
    }

    /// Where the row is to stand; if the change is taken back, where it stood before.
    #[must_use]
    pub fn wanted(&self, undo: bool) -> Spot {
        if undo { Spot::of(&self.row) } else { self.to.clone() }
    }
}

/// What becomes of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DocChange {
    /// Which document.
    pub name: DocName,
    /// Its content as it was found; if there was none, what does no harm in its place: a document
    /// cannot be deleted while a late write may bring it back.
    pub from: Bytes,
    /// What it is to say.
    pub to: Bytes,
}

impl DocChange {
    /// The document `name`, which said `from`, is to say `to`.
    #[must_use]
    pub const fn new(name: DocName, from: Bytes, to: Bytes) -> Self {
        Self { name, from, to }
    }

    /// What the document is to say; if the change is taken back, what it said before.
    #[must_use]
    pub fn wanted(&self, undo: bool) -> Bytes {
        if undo { self.from.clone() } else { self.to.clone() }
    }
}

/// What becomes of an application: every row that it has or is to have, and the documents that
/// say where it reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target {
    /// The leases of shards, those that stay where they are included; none of roles.
    pub rows: Vec<RowChange>,
    /// The documents, in the order in which they are written: after the rows.
    pub docs: Vec<DocChange>,
}
