//! The parts of a run: its lease, its gate, and the parts that all runs of a worker share.

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

/// Stores records that fail again and again, before the worker skips them.
///
/// The failure policy skips a record ([`OnFailure`](crate::settings::OnFailure)), or the operator
/// gives it up by command. The worker checkpoints past a skipped record.
#[async_trait]
pub trait DeadLetter: Send + Sync + 'static {
    /// Stores one record. `error` is the processor's last error, in words. The worker may send the
    /// same record more than once: after an error, or when the lease changes hands meanwhile.
    ///
    /// # Errors
    /// Any. The worker calls again after a pause and skips the record only after `Ok`.
    async fn send(
        &self,
        record: &Record,
        lease: &LeaseHandle,
        error: &str,
    ) -> Result<(), ProcessorError>;
}

/// The parts that all runs of a worker share.
pub(in crate::worker) struct Shared {
    pub(in crate::worker) sources: Sources,
    pub(in crate::worker) factory: Box<dyn ProcessorFactory>,
    pub(in crate::worker) dead_letter: Option<Arc<dyn DeadLetter>>,
    pub(in crate::worker) delivery: Delivery,
    pub(in crate::worker) budget: Budget,
    pub(in crate::worker) env: Env,
    pub(in crate::worker) seam: Seam,
    /// The measured load of each lease.
    pub(in crate::worker) loads: LoadBoard,
    /// The failing batches, and the records that the operator gives up.
    pub(in crate::worker) stuck: StuckBoard,
    /// The location of the lease store, which is part of each fencing token.
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
    /// The lease as observers name it.
    pub(in crate::worker) about: Subject,
    pub(in crate::worker) stream: StreamKey,
    pub(in crate::worker) shard: ShardId,
    pub(in crate::worker) gate: Arc<Gate>,
    pub(in crate::worker) handle: LeaseHandle,
    /// The checkpoint of the row when this worker acquired the lease.
    pub(in crate::worker) start: Checkpoint,
    pub(in crate::worker) shared: Arc<Shared>,
}

impl Run {
    /// Makes the run of a lease that this worker has just acquired. `None` if the key names no
    /// shard or the row names no owner.
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
