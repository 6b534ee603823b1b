//! The conditional writes of a lease store, as data.
//!
//! [`super::rules`] defines the effect of each. Every command is `non_exhaustive` and has a
//! constructor, so that a new field breaks no caller.

use bytes::Bytes;

use super::{Checkpoint, DocName, Epoch, Lease, LeaseKey, Progress, Report, SessionId};
use crate::stream::ShardId;

/// Keeps a session alive and carries its report.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Beat {
    /// The session that beats.
    pub session: SessionId,
    /// The number of the beat. A repeated attempt has a new number.
    pub number: u64,
    /// Whether the session gives its leases away in order to leave.
    pub leaving: bool,
    /// The report of the session.
    pub report: Report,
}

impl Beat {
    /// Beat `number` of `session`.
    #[must_use]
    pub const fn new(session: SessionId, number: u64, report: Report) -> Self {
        Self { session, number, leaving: false, report }
    }

    /// Sets [`Self::leaving`].
    #[must_use]
    pub const fn leaving(mut self, leaving: bool) -> Self {
        self.leaving = leaving;
        self
    }
}

/// The reason for the end of a session, which decides the condition of the write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The session ends itself.
    Leave,
    /// A newer session of the same worker id ends it.
    Replace,
    /// The planner or a standby ends a silent session, if its beat has not changed.
    Fence {
        /// The beat that stayed unchanged for the session timeout.
        beat: u64,
    },
}

/// Ends a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndSession {
    /// The session to end.
    pub session: SessionId,
    /// The reason.
    pub ending: Ending,
}

impl EndSession {
    /// Ends `session` by `ending`.
    #[must_use]
    pub const fn new(session: SessionId, ending: Ending) -> Self {
        Self { session, ending }
    }
}

/// Deletes the row of an ended session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forget {
    /// Which session.
    pub session: SessionId,
}

impl Forget {
    /// Deletes the row of `session`.
    #[must_use]
    pub const fn new(session: SessionId) -> Self {
        Self { session }
    }
}

/// Takes a lease: a compare-and-set on (owner, epoch).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Acquire {
    /// The lease.
    pub key: LeaseKey,
    /// The owner that the caller saw; `None` if there was none.
    pub seen_owner: Option<SessionId>,
    /// The epoch that the caller saw.
    pub seen_epoch: Epoch,
    /// The new owner.
    pub owner: SessionId,
    /// The new epoch: above the seen one.
    pub epoch: Epoch,
}

impl Acquire {
    /// Takes the lease as `seen` for `owner` under `epoch`.
    #[must_use]
    pub fn new(seen: &Lease, owner: SessionId, epoch: Epoch) -> Self {
        Self {
            key: seen.key.clone(),
            seen_owner: seen.owner.clone(),
            seen_epoch: seen.epoch,
            owner,
            epoch,
        }
    }
}

/// Writes a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Advance {
    /// The lease.
    pub key: LeaseKey,
    /// The owner, which is the caller.
    pub owner: SessionId,
    /// The epoch under which the owner holds the lease.
    pub epoch: Epoch,
    /// The new checkpoint. The end of the shard clears the owner.
    pub checkpoint: Checkpoint,
    /// The lag at this checkpoint, as far as it is known.
    pub progress: Progress,
    /// The children of the shard, if the checkpoint is its end; else the store ignores them.
    pub children: Vec<ShardId>,
}

impl Advance {
    /// Writes `checkpoint` for `owner`, which holds the lease under `epoch`.
    #[must_use]
    pub const fn new(
        key: LeaseKey,
        owner: SessionId,
        epoch: Epoch,
        checkpoint: Checkpoint,
    ) -> Self {
        Self { key, owner, epoch, checkpoint, progress: Progress::NONE, children: Vec::new() }
    }

    /// Sets [`Self::progress`].
    #[must_use]
    pub const fn with_progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }

    /// The same, with the shards that continue an ended one.
    #[must_use]
    pub fn with_children(mut self, children: Vec<ShardId>) -> Self {
        self.children = children;
        self
    }
}

/// Releases a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Release {
    /// The lease.
    pub key: LeaseKey,
    /// The owner, which is the caller.
    pub owner: SessionId,
    /// The epoch under which the owner holds the lease.
    pub epoch: Epoch,
    /// The last checkpoint; `None` keeps the stored one.
    pub checkpoint: Option<Checkpoint>,
    /// The lag at the last checkpoint. Without a checkpoint, the row keeps its own.
    pub progress: Progress,
    /// The session that should take the lease next.
    pub successor: Option<SessionId>,
    /// Whether the planner should give the lease to another worker, because the processor of this
    /// one makes no progress.
    pub avoid: bool,
}

impl Release {
    /// Releases a lease that `owner` holds under `epoch`.
    #[must_use]
    pub const fn new(key: LeaseKey, owner: SessionId, epoch: Epoch) -> Self {
        Self {
            key,
            owner,
            epoch,
            checkpoint: None,
            progress: Progress::NONE,
            successor: None,
            avoid: false,
        }
    }

    /// Sets the last checkpoint and its lag.
    #[must_use]
    pub fn at(mut self, checkpoint: Checkpoint, progress: Progress) -> Self {
        self.checkpoint = Some(checkpoint);
        self.progress = progress;
        self
    }

    /// Sets [`Self::successor`].
    #[must_use]
    pub fn to(mut self, successor: Option<SessionId>) -> Self {
        self.successor = successor;
        self
    }

    /// Sets [`Self::avoid`].
    #[must_use]
    pub const fn avoiding(mut self, avoid: bool) -> Self {
        self.avoid = avoid;
        self
    }
}

/// Moves a checkpoint forwards or backwards: a compare-and-set on (owner, epoch). It is the one
/// write that may take a checkpoint back, and commands send it only while the application is
/// closed. After it, the new epoch refuses every write that is still under way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restart {
    /// The lease.
    pub key: LeaseKey,
    /// The owner that the caller saw; `None` if there was none.
    pub seen_owner: Option<SessionId>,
    /// The epoch that the caller saw.
    pub seen_epoch: Epoch,
    /// The new epoch: above the seen one.
    pub epoch: Epoch,
    /// The new checkpoint; the end of the shard if the shard is not read again.
    pub checkpoint: Checkpoint,
    /// The children of the shard, if the checkpoint is its end; else the store ignores them.
    pub children: Vec<ShardId>,
}

impl Restart {
    /// Moves the lease `seen` to `checkpoint`, under the new `epoch`.
    #[must_use]
    pub fn new(seen: &Lease, epoch: Epoch, checkpoint: Checkpoint) -> Self {
        Self {
            key: seen.key.clone(),
            seen_owner: seen.owner.clone(),
            seen_epoch: seen.epoch,
            epoch,
            checkpoint,
            children: Vec::new(),
        }
    }

    /// The same, with the shards that continue an ended one.
    #[must_use]
    pub fn with_children(mut self, children: Vec<ShardId>) -> Self {
        self.children = children;
        self
    }

    /// The children in the row after the write: none unless the checkpoint is the end of the shard.
    #[must_use]
    pub fn children_afterwards(&self) -> &[ShardId] {
        if self.checkpoint.is_end() { &self.children } else { &[] }
    }
}

/// Deletes a lease row.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delete {
    /// The lease.
    pub key: LeaseKey,
    /// The epoch that the caller saw.
    pub seen_epoch: Epoch,
    /// Deletes the row even if its shard has not ended: its stream is gone.
    pub unfinished: bool,
}

impl Delete {
    /// Deletes the row of a shard that has ended.
    #[must_use]
    pub const fn ended(key: LeaseKey, seen_epoch: Epoch) -> Self {
        Self { key, seen_epoch, unfinished: false }
    }

    /// Deletes the row of a shard whose stream is gone.
    #[must_use]
    pub const fn of_gone_stream(key: LeaseKey, seen_epoch: Epoch) -> Self {
        Self { key, seen_epoch, unfinished: true }
    }
}

/// Writes a document: a compare-and-set on its version.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PutDoc {
    /// The document.
    pub name: DocName,
    /// The version that the caller saw; `None` if there was no document.
    pub seen: Option<u64>,
    /// The new content.
    pub body: Bytes,
}

impl PutDoc {
    /// Writes `body` over the version `seen`.
    #[must_use]
    pub const fn new(name: DocName, seen: Option<u64>, body: Bytes) -> Self {
        Self { name, seen, body }
    }
}

/// Deletes a document: a compare-and-set on its version.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeleteDoc {
    /// The document.
    pub name: DocName,
    /// The version that the caller saw.
    pub seen: u64,
}

impl DeleteDoc {
    /// Deletes the version `seen` of a document.
    #[must_use]
    pub const fn new(name: DocName, seen: u64) -> Self {
        Self { name, seen }
    }
}
