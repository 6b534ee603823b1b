//! What a run works with: its lease, its gate, and what all runs of a worker share.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    env::Env,
    lease::{Checkpoint, Lease, LeaseKey},
    observe::{LoadBoard, Seam, StuckBoard, Subject, WorkerEvent},
    processor::{Fence, HandleParts, LeaseHandle, ProcessorError, ProcessorFactory},
    settings::Delivery,
    stream::{Record, ShardId, Sources, StreamKey},
    worker::{budget::Budget, gate::Gate},
};

/// Where records go that keep failing, when the failure policy or the operator skips them.
#[async_trait]
pub trait DeadLetter: Send + Sync + 'static {
    /// Keeps a record that is about to be skipped.
    ///
    /// # Errors
    /// Any: tried again after a pause; the record is not skipped before it is kept.
    async fn send(
        &self,
        record: &Record,
        lease: &LeaseHandle,
        error: &str,
    ) -> Result<(), ProcessorError>;
}

/// What all runs of a worker share.
pub(in crate::worker) struct Shared {
    pub(in crate::worker) sources: Sources,
    pub(in crate::worker) factory: Box<dyn ProcessorFactory>,
    pub(in crate::worker) dead_letter: Option<Arc<dyn DeadLetter>>,
    pub(in crate::worker) delivery: Delivery,
    pub(in crate::worker) budget: Budget,
    pub(in crate::worker) env: Env,
    pub(in crate::worker) seam: Seam,
    pub(in crate::worker) loads: LoadBoard,
    pub(in crate::worker) stuck: StuckBoard,
    /// Where the leases are kept, for the fencing token.
    pub(in crate::worker) location: Arc<str>,
}

impl Shared {
    #[expect(clippy::needless_pass_by_value, reason = "made for it at each place")]
    pub(in crate::worker) fn tell(&self, event: WorkerEvent) {
        self.seam.event(&event);
    }
}

/// The run of one lease under one epoch.
pub(in crate::worker) struct Run {
    pub(in crate::worker) key: LeaseKey,
    pub(in crate::worker) about: Subject,
    pub(in crate::worker) stream: StreamKey,
    pub(in crate::worker) shard: ShardId,
    pub(in crate::worker) gate: Arc<Gate>,
    pub(in crate::worker) handle: LeaseHandle,
    pub(in crate::worker) start: Checkpoint,
    pub(in crate::worker) shared: Arc<Shared>,
}

impl Run {
    /// The run of a lease that was just gained; `None` for a key that names no shard, or a
    /// row that names no owner.
    pub(in crate::worker) fn new(
        lease: &Lease,
        gate: Arc<Gate>,
        shared: Arc<Shared>,
    ) -> Option<Self> {
        let (stream, shard) = (lease.key.stream()?, lease.key.shard()?);
        let owner = lease.owner.clone()?;
        let fence = Fence {
            store: Arc::clone(&shared.location),
            key: lease.key.clone(),
            epoch: lease.epoch,
        };
        let handle = LeaseHandle::new(HandleParts {
            fence,
            owner,
            shard: shard.clone(),
            start: lease.checkpoint.clone(),
            gate: Arc::clone(&gate),
        });
        let (key, start) = (lease.key.clone(), lease.checkpoint.clone());
        let about = shared.seam.about(&key);
        Some(Self { key, about, stream, shard, gate, handle, start, shared })
    }
}
