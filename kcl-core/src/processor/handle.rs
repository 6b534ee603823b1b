//! The handle with which a processor takes checkpoints.

use std::{fmt, sync::Arc};

use super::{CheckpointError, Fence};
use crate::{
    lease::{Checkpoint, LeaseKey, SessionId},
    stream::{Position, Record, ShardId},
    worker::gate::Gate,
};

/// A processor's access to its lease under one epoch (`RecordProcessorCheckpointer` in the Java
/// KCL).
///
/// A clone is cheap and refers to the same lease and epoch; a task of the processor may keep one.
/// After the worker has lost the lease every checkpoint fails, also if the worker acquires the same
/// lease again: that has a new handle.
#[derive(Clone)]
pub struct LeaseHandle(Arc<HandleParts>);

/// The parts of a [`LeaseHandle`].
pub(crate) struct HandleParts {
    pub(crate) fence: Fence,
    pub(crate) owner: SessionId,
    pub(crate) shard: ShardId,
    /// The checkpoint of the row when this worker acquired it.
    pub(crate) start: Checkpoint,
    pub(crate) gate: Arc<Gate>,
}

impl LeaseHandle {
    pub(crate) fn new(parts: HandleParts) -> Self {
        Self(Arc::new(parts))
    }

    /// The shard that the lease is for.
    #[must_use]
    pub fn shard(&self) -> &ShardId {
        &self.0.shard
    }

    /// The key of the lease.
    #[must_use]
    pub fn key(&self) -> &LeaseKey {
        &self.0.fence.key
    }

    /// The session that holds the lease. The store accepts a checkpoint only while the lease's row
    /// shows this session as the owner and the epoch of [`Self::fence`].
    #[must_use]
    pub fn owner(&self) -> &SessionId {
        &self.0.owner
    }

    /// The checkpoint of the lease when this worker acquired it. The first record delivered comes
    /// after it.
    #[must_use]
    pub fn started_at(&self) -> &Checkpoint {
        &self.0.start
    }

    /// The fencing token, for sinks that compare it.
    #[must_use]
    pub fn fence(&self) -> &Fence {
        &self.0.fence
    }

    /// Whether this worker may still process records under this handle, as far as it knows. The
    /// answer may be outdated at once, for example by a pause of the machine; only a sink that
    /// compares the fencing token excludes late effects.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.0.gate.may_process()
    }

    /// Waits until this worker may not process records under this handle any more: the lease is
    /// lost or released, or the worker could not keep its session alive in time. A processor that
    /// started a thread or a child process stops it then.
    ///
    /// # Cancel safety
    /// Safe: the call only waits.
    pub async fn lost(&self) {
        self.0.gate.closed().await;
    }

    /// Takes a checkpoint at a record: the record and all before it are processed. Returns after
    /// the store has written it. The worker writes only the newest of several calls at once.
    ///
    /// # Errors
    /// [`CheckpointError::LeaseLost`] if the worker does not hold the lease any more,
    /// [`CheckpointError::NotDelivered`] if it has not delivered the record under the lease,
    /// [`CheckpointError::Transactional`] in that mode, [`CheckpointError::Stopped`] if the worker
    /// ended before the store answered.
    ///
    /// # Cancel safety
    /// A dropped call leaves open whether the checkpoint is written.
    pub async fn checkpoint(&self, at: &Record) -> Result<(), CheckpointError> {
        self.checkpoint_at(&at.position).await
    }

    /// Takes a checkpoint at the position of a record, as [`Self::checkpoint`] does.
    ///
    /// # Errors
    /// The same as [`Self::checkpoint`].
    ///
    /// # Cancel safety
    /// The same as [`Self::checkpoint`].
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
    /// does: every record delivered so far is processed. During
    /// [`super::RecordProcessor::process`] that includes the running batch. Does nothing if the
    /// worker has delivered no record yet.
    ///
    /// # Errors
    /// The same as [`Self::checkpoint`], except [`CheckpointError::NotDelivered`].
    ///
    /// # Cancel safety
    /// The same as [`Self::checkpoint`].
    pub async fn checkpoint_delivered(&self) -> Result<(), CheckpointError> {
        match self.0.gate.last_delivered() {
            Some(last) => self.checkpoint_at(&last).await,
            None => Ok(()),
        }
    }
}

impl LeaseHandle {
    /// The checkpoint after which a processor made now goes on: the furthest that the processor
    /// took under this lease, or else [`Self::started_at`].
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
