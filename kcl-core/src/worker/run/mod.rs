//! One held lease: reading its shard, delivering its records, ending it.

mod backoff;
mod deliver;
mod fetch;
mod finish;
mod meter;
mod patience;
mod rewind;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::sync::{broadcast, mpsc};
use tracing::{Instrument, error};

use self::{
    deliver::{Delivering, Exit, Flow},
    fetch::{Fetched, Fetcher},
};
use super::{
    budget::Budget,
    catch::CatchPanic,
    event::WorkerEvent,
    gate::{Gate, GateState},
    status::StatusBoard,
};
use crate::{
    coordinator::RunNews,
    env::{Env, TaskHandle},
    lease::{Checkpoint, Lease, LeaseKey},
    processor::{Fence, HandleParts, LeaseHandle, ProcessorError, ProcessorFactory},
    settings::Delivery,
    stream::{Record, ShardId, StartAt, StreamKey, StreamSource},
};

/// Where records go that keep failing, when the failure policy skips them.
#[async_trait]
pub trait DeadLetter: Send + Sync + 'static {
    /// Keeps a record that is about to be skipped.
    ///
    /// # Errors
    /// Any: tried again after a pause; the record is not skipped before it is kept.
    async fn bury(
        &self,
        record: &Record,
        lease: &LeaseHandle,
        error: &str,
    ) -> Result<(), ProcessorError>;
}

/// What all runs of a worker share.
pub(super) struct Shared {
    pub(super) source: Arc<dyn StreamSource>,
    pub(super) factory: Box<dyn ProcessorFactory>,
    pub(super) dead_letter: Option<Arc<dyn DeadLetter>>,
    pub(super) delivery: Delivery,
    pub(super) budget: Budget,
    pub(super) env: Env,
    pub(super) events: broadcast::Sender<WorkerEvent>,
    pub(super) status: StatusBoard,
    /// Where the leases are kept, for the fencing token.
    pub(super) location: Arc<str>,
}

impl Shared {
    pub(super) fn tell(&self, event: WorkerEvent) {
        // Nobody need listen.
        let _ = self.events.send(event);
    }
}

/// The run of one lease under one epoch.
pub(super) struct Run {
    pub(super) key: LeaseKey,
    pub(super) stream: StreamKey,
    pub(super) shard: ShardId,
    pub(super) gate: Arc<Gate>,
    pub(super) handle: LeaseHandle,
    pub(super) start: Checkpoint,
    pub(super) shared: Arc<Shared>,
}

impl Run {
    /// The run of a lease that was just gained; `None` for a key that names no shard, or a
    /// row that names no owner.
    pub(super) fn new(lease: &Lease, gate: Arc<Gate>, shared: Arc<Shared>) -> Option<Self> {
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
        Some(Self { key, stream, shard, gate, handle, start, shared })
    }

    /// Reads and delivers until the shard ends or the lease goes. `former` is the run of the same
    /// shard before this one: two of them never overlap in one worker. A panic in what the user
    /// gave (the factory, the source, the dead-letter sink) ends the run, and the lease is given
    /// back: nobody would read on under it.
    pub(super) async fn work(self, former: Option<TaskHandle>) {
        if let Some(former) = former {
            former.join().await;
        }
        let end = LastWord::of(&self);
        if let Err(message) = CatchPanic(Box::pin(self.read())).await {
            end.give_back(&message).await;
        }
    }

    async fn read(self) {
        let mut delivering = Delivering::new(&self);
        let mut start = self.start.start();
        while self.read_from(start, &mut delivering).await {
            start = delivering.go_back();
        }
    }

    /// Reads and delivers from `start`; true if that has to be done again, from a checkpoint.
    async fn read_from(&self, start: Option<StartAt>, delivering: &mut Delivering<'_>) -> bool {
        let (sender, receiver) = mpsc::channel(1);
        let fetcher = Fetcher::new(self, start, sender);
        let spawner = Arc::clone(&self.shared.env.spawner);
        let fetching = fetcher.work().in_current_span();
        let fetching = Abort(spawner.spawn("kcl-fetch", Box::pin(fetching)));
        let exit = delivering.work(receiver).await;
        drop(fetching);
        match exit {
            Exit::Rewinding => return true,
            Exit::Ended(children) => match delivering.end(children).await {
                Ok(children) => self.gate.report(&self.key, RunNews::Ended { children }),
                Err(Flow::Rewind) => return true,
                Err(_) => self.stop(delivering).await,
            },
            Exit::Stopping => self.stop(delivering).await,
            Exit::Unread => {
                delivering.say_lost().await;
                LastWord::of(self).give_back("the reader is gone").await;
            }
        }
        false
    }

    async fn stop(&self, delivering: &mut Delivering<'_>) {
        if self.gate.state() == GateState::Draining {
            delivering.say_goodbye().await;
            self.gate.report(&self.key, RunNews::Stopped);
        } else {
            // Nothing is dispatched any more: the keeper need not wait for the processor.
            self.gate.report(&self.key, RunNews::Stopped);
            delivering.say_lost().await;
        }
    }
}

/// What is said of a run that cannot go on.
struct LastWord {
    key: LeaseKey,
    gate: Arc<Gate>,
    shared: Arc<Shared>,
}

/// How long a lease is held that nobody reads any more: whoever takes it may fare as badly.
const BEFORE_GIVING_BACK: Duration = Duration::from_secs(1);

impl LastWord {
    fn of(run: &Run) -> Self {
        let (key, gate) = (run.key.clone(), Arc::clone(&run.gate));
        Self { key, gate, shared: Arc::clone(&run.shared) }
    }

    /// Has the keeper release the lease, until it has ordered the run to stop.
    async fn give_back(self, why: &str) {
        error!(lease = %self.key, why, "kcl.run.broken");
        let clock = &self.shared.env.clock;
        loop {
            clock.sleep(BEFORE_GIVING_BACK).await;
            match self.gate.state() {
                GateState::Open => self.gate.report(&self.key, RunNews::Stalled),
                // Asked again once the session is valid.
                GateState::Suspended => {}
                GateState::Draining | GateState::Dropped => {
                    return self.gate.report(&self.key, RunNews::Stopped);
                }
            }
        }
    }
}

/// A task that ends with its owner.
struct Abort(TaskHandle);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What the fetcher hands to delivery.
type FetchedSender = mpsc::Sender<Fetched>;
