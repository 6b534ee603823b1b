//! A processor's hold on its lease.

use std::{fmt, sync::Arc};

use super::{CheckpointError, Fence};
use crate::{
    lease::{Checkpoint, LeaseKey, SessionId},
    stream::{Position, Record, ShardId},
    worker::gate::Gate,
};

/// A processor's hold on its lease, under one epoch. Cheap to clone; outlives neither: once the
/// lease is lost it refuses.
#[derive(Clone)]
pub struct LeaseHandle(Arc<HandleParts>);

/// What a handle is made of.
pub(crate) struct HandleParts {
    pub(crate) fence: Fence,
    pub(crate) owner: SessionId,
    pub(crate) shard: ShardId,
    /// Where reading started.
    pub(crate) start: Checkpoint,
    pub(crate) gate: Arc<Gate>,
}

impl LeaseHandle {
    pub(crate) fn new(parts: HandleParts) -> Self {
        Self(Arc::new(parts))
    }

    /// The shard.
    #[must_use]
    pub fn shard(&self) -> &ShardId {
        &self.0.shard
    }

    /// The lease.
    #[must_use]
    pub fn key(&self) -> &LeaseKey {
        &self.0.fence.key
    }

    /// The session that holds the lease. With the epoch of [`Self::fence`] it is what a row must
    /// still show for a checkpoint to be accepted.
    #[must_use]
    pub fn owner(&self) -> &SessionId {
        &self.0.owner
    }

    /// The checkpoint this lease was gained at: the first record delivered is after it.
    #[must_use]
    pub fn started_at(&self) -> &Checkpoint {
        &self.0.start
    }

    /// The fencing token, for the user's own sinks.
    #[must_use]
    pub fn fence(&self) -> &Fence {
        &self.0.fence
    }

    /// Whether records may still be processed under this handle, by the best of this worker's
    /// knowledge. A pause between this answer and an effect is what the fencing token is for.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.0.gate.may_process()
    }

    /// Waits until records may not be processed under this handle any more: the lease is lost, was
    /// handed over, or the session could not be kept alive in time.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn lost(&self) {
        self.0.gate.closed().await;
    }

    /// Takes a checkpoint at a record: everything up to it is processed. Returns once the store
    /// has it. Several at once are written as one, the newest wins.
    ///
    /// # Errors
    /// When the lease is not held any more, or the record was not delivered under it.
    ///
    /// # Cancel safety
    /// The checkpoint may or may not be written.
    pub async fn checkpoint(&self, at: &Record) -> Result<(), CheckpointError> {
        self.checkpoint_at(&at.position).await
    }

    /// Takes a checkpoint at the position of a record, as [`Self::checkpoint`] does.
    ///
    /// # Errors
    /// As [`Self::checkpoint`].
    ///
    /// # Cancel safety
    /// The checkpoint may or may not be written.
    pub async fn checkpoint_at(&self, at: &Position) -> Result<(), CheckpointError> {
        let stored = self.0.gate.ask_checkpoint(&self.0.fence.key, at)?;
        match stored.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(CheckpointError::LeaseLost(self.key().clone())),
            Err(_) => Err(CheckpointError::Stopped),
        }
    }
}

impl LeaseHandle {
    /// Takes a checkpoint at the last record delivered under this lease, as [`Self::checkpoint`]
    /// does: everything delivered so far is processed. During [`super::RecordProcessor::process`]
    /// that includes the batch at hand. Does nothing if no record was delivered yet.
    ///
    /// # Errors
    /// When the lease is not held any more.
    ///
    /// # Cancel safety
    /// The checkpoint may or may not be written.
    pub async fn checkpoint_delivered(&self) -> Result<(), CheckpointError> {
        match self.0.gate.last_delivered() {
            Some(last) => self.checkpoint_at(&last).await,
            None => Ok(()),
        }
    }
}

impl LeaseHandle {
    /// From where a processor that is made now goes on: the furthest checkpoint that was taken
    /// under this lease, or else the one it was gained at. No earlier one is taken any more.
    #[must_use]
    pub fn resumes_at(&self) -> Checkpoint {
        match self.0.gate.last_asked() {
            Some(asked) => Checkpoint::After(asked),
            None => self.0.start.clone(),
        }
    }
}

impl fmt::Debug for LeaseHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaseHandle").field("fence", &self.0.fence).finish_non_exhaustive()
    }
}
