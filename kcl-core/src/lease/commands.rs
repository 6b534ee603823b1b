//! The conditional writes, as data.
//!
//! Each has a constructor and may gain fields: a new one breaks nobody.

use bytes::Bytes;

use super::{Checkpoint, DocName, Epoch, Lease, LeaseKey, Progress, Report, SessionId};
use crate::stream::ShardId;

/// Keeps a session alive and says what it has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Beat {
    /// Whose beat.
    pub session: SessionId,
    /// Its number: each attempt has one of its own.
    pub number: u64,
    /// Whether the session hands its leases over.
    pub leaving: bool,
    /// What it tells the fleet.
    pub report: Report,
}

impl Beat {
    /// Beat `number` of `session`.
    #[must_use]
    pub const fn new(session: SessionId, number: u64, report: Report) -> Self {
        Self { session, number, leaving: false, report }
    }

    /// The same beat, saying that the session leaves.
    #[must_use]
    pub const fn leaving(mut self, leaving: bool) -> Self {
        self.leaving = leaving;
        self
    }
}

/// How and on what condition a session is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself.
    Leave,
    /// By a newer session of the same worker id.
    Replace,
    /// By a watcher, if the beat is still this one.
    Fence {
        /// The beat the watcher saw unchanged for the session's timeout.
        beat: u64,
    },
}

/// Ends a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndSession {
    /// Which session.
    pub session: SessionId,
    /// How.
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
    /// Which lease.
    pub key: LeaseKey,
    /// The owner the caller saw.
    pub seen_owner: Option<SessionId>,
    /// The epoch the caller saw.
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
    /// Which lease.
    pub key: LeaseKey,
    /// Who holds it.
    pub owner: SessionId,
    /// Under which epoch.
    pub epoch: Epoch,
    /// How far the shard is processed. The end of the shard clears the owner.
    pub checkpoint: Checkpoint,
    /// What is known of the lag.
    pub progress: Progress,
    /// With the end of the shard: the shards that continue it.
    pub children: Vec<ShardId>,
}

impl Advance {
    /// Writes `checkpoint` for the holder `owner` under `epoch`.
    #[must_use]
    pub const fn new(
        key: LeaseKey,
        owner: SessionId,
        epoch: Epoch,
        checkpoint: Checkpoint,
    ) -> Self {
        Self { key, owner, epoch, checkpoint, progress: Progress::NONE, children: Vec::new() }
    }

    /// The same, with what is known of the lag.
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

/// Gives a lease back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Release {
    /// Which lease.
    pub key: LeaseKey,
    /// Who holds it.
    pub owner: SessionId,
    /// Under which epoch.
    pub epoch: Epoch,
    /// The last checkpoint; `None` keeps the stored one.
    pub checkpoint: Option<Checkpoint>,
    /// What is known of the lag; kept from the row when `checkpoint` is `None`.
    pub progress: Progress,
    /// Who is to take it next.
    pub successor: Option<SessionId>,
    /// Whether the owner asks not to get it back: its processor makes no progress.
    pub avoid: bool,
}

impl Release {
    /// Gives back what `owner` holds under `epoch`.
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

    /// The same, carrying the last checkpoint.
    #[must_use]
    pub fn at(mut self, checkpoint: Checkpoint, progress: Progress) -> Self {
        self.checkpoint = Some(checkpoint);
        self.progress = progress;
        self
    }

    /// The same, naming the next owner.
    #[must_use]
    pub fn to(mut self, successor: Option<SessionId>) -> Self {
        self.successor = successor;
        self
    }

    /// The same, asking not to get the lease back.
    #[must_use]
    pub const fn avoiding(mut self, avoid: bool) -> Self {
        self.avoid = avoid;
        self
    }
}

/// Rewrites how far a shard is processed, forwards or backwards: a compare-and-set on (owner,
/// epoch). It is sent while the application is closed and at no other time: it is the one write
/// that may take a checkpoint back. The new epoch refuses whatever is still under way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restart {
    /// Which lease.
    pub key: LeaseKey,
    /// The owner the caller saw.
    pub seen_owner: Option<SessionId>,
    /// The epoch the caller saw.
    pub seen_epoch: Epoch,
    /// The new epoch: above the seen one.
    pub epoch: Epoch,
    /// Where processing goes on; the end of the shard if it is not read again.
    pub checkpoint: Checkpoint,
    /// With the end of the shard: the shards that continue it. Not looked at otherwise.
    pub children: Vec<ShardId>,
}

impl Restart {
    /// Rewrites the lease as `seen` to `checkpoint` under `epoch`.
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

    /// The children that the row has afterwards: none unless the shard is at its end.
    #[must_use]
    pub fn children_afterwards(&self) -> &[ShardId] {
        if self.checkpoint.is_end() { &self.children } else { &[] }
    }
}

/// Deletes a lease row.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delete {
    /// Which lease.
    pub key: LeaseKey,
    /// The epoch the caller saw.
    pub seen_epoch: Epoch,
    /// Delete it although its shard has not ended: its stream is gone.
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
    /// Which document.
    pub name: DocName,
    /// The version the caller saw; `None` if there was none.
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
    /// Which document.
    pub name: DocName,
    /// The version the caller saw.
    pub seen: u64,
}

impl DeleteDoc {
    /// Deletes the version `seen` of a document.
    #[must_use]
    pub const fn new(name: DocName, seen: u64) -> Self {
        Self { name, seen }
    }
}
