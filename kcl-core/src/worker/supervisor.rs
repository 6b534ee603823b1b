//! The supervisor executes on the user's runtime what the keeper orders: it starts runs, describes
//! the stream and lists its shards.
//!
//! The keeper sends [`SupervisorCommand`]s through a channel. The supervisor starts a task for each
//! command and never waits for it, so that a slow stream delays no run. Answers go back to the
//! keeper as coordinator events. The supervisor does not stop runs; the keeper does, through their
//! gates. Only when the supervisor is dropped, it aborts the runs that are left.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::sync::mpsc;
use tracing::{Instrument, info_span};

use super::{
    WorkerError,
    catch::CatchPanic,
    gate::Gate,
    keeper::SupervisorCommand,
    listing,
    run::{Run, Shared},
};
use crate::{
    coordinator::{CallId, Event, Outcome},
    env::{TaskHandle, Time},
    lease::{Lease, LeaseKey},
    observe::WorkerEvent,
    stream::{SourceError, SourceErrorKind, StreamDescription, StreamName},
};

/// The highest age at which the description from the worker's start answers the coordinator's
/// first request for one. It saves one call.
const FRESH: Duration = Duration::from_secs(2);
/// How long a worker that ends waits for its runs to end by themselves; then it aborts them.
const LAST_RUNS: Duration = Duration::from_secs(1);

/// Executes the keeper's commands on the user's runtime.
pub(super) struct Supervisor {
    pub(super) shared: Arc<Shared>,
    /// The keeper's commands. The keeper drops the other end when it ends.
    pub(super) directions: mpsc::UnboundedReceiver<SupervisorCommand>,
    /// Takes the answers to the keeper.
    pub(super) events: mpsc::UnboundedSender<Event>,
    /// The newest run of each lease that this worker has held. A run that has ended stays until
    /// the lease is acquired again.
    pub(super) runs: BTreeMap<LeaseKey, TaskHandle>,
    /// The description of the stream from the worker's start, and the time of the answer. `None`
    /// after its first use.
    pub(super) described: Option<(Time, StreamDescription)>,
    /// The stream that the worker reads, once the source has described it. [`Declaring`] reads it.
    ///
    /// [`Declaring`]: super::declaring::Declaring
    pub(super) stream: Arc<OnceLock<StreamDescription>>,
}

impl Supervisor {
    /// Executes commands until the keeper sends the worker's outcome. A channel that closes without
    /// an outcome is [`WorkerError::KeeperGone`].
    pub(super) async fn work(mut self) -> Result<(), WorkerError> {
        let outcome = loop {
            match self.directions.recv().await {
                Some(SupervisorCommand::Start(lease, gate)) => self.start(&lease, gate),
                Some(SupervisorCommand::Describe(id, of)) => self.describe(id, of),
                Some(SupervisorCommand::ListShards(id, of)) => self.list_shards(id, of),
                Some(SupervisorCommand::Finished(outcome)) => break Some(outcome),
                None => break None,
            }
        };
        self.wait_for_runs().await;
        match outcome {
            Some(Outcome::Left) => Ok(()),
            Some(Outcome::Duplicate(worker)) => Err(WorkerError::DuplicateWorkerId(worker)),
            Some(Outcome::OtherStream { reads, wanted }) => {
                let location = self.shared.location.to_string();
                Err(WorkerError::OtherStream { location, reads, wanted })
            }
            Some(Outcome::StartAhead { at, now }) => Err(WorkerError::StartAhead { at, now }),
            None => Err(WorkerError::KeeperGone),
        }
    }

    /// Starts the run of an acquired lease. The run itself waits for the lease's former run.
    fn start(&mut self, lease: &Lease, gate: Arc<Gate>) {
        let span = info_span!("kcl.run", lease = %lease.key, epoch = %lease.epoch);
        let Some(run) = Run::new(lease, gate, Arc::clone(&self.shared)) else { return };
        let former = self.runs.remove(&lease.key);
        let spawner = Arc::clone(&self.shared.env.spawner);
        let task = spawner.spawn("kcl-run", Box::pin(run.work(former).instrument(span)));
        self.runs.insert(lease.key.clone(), task);
    }

    /// Describes a stream. The first call reuses the description from the worker's start, unless
    /// that is older than [`FRESH`].
    fn describe(&mut self, id: CallId, of: Option<StreamName>) {
        let (shared, events) = (Arc::clone(&self.shared), self.events.clone());
        let now = self.shared.env.clock.now();
        let fresh = self.described.take().filter(|(at, _)| now.since(*at) < FRESH);
        let stream = Arc::clone(&self.stream);
        let describing = async move {
            let result = match fresh {
                Some((_, description)) => Ok(description),
                None => shared.sources.describe(of.as_ref()).await,
            };
            if let Err(error) = &result {
                let source = error.source.as_deref().map(ToString::to_string).unwrap_or_default();
                shared.tell(WorkerEvent::StreamUnknown { error: error.to_string(), source });
            }
            if let Ok(description) = &result {
                // The first description stays. Readers use the name alone, which never changes.
                let _ = stream.set(description.clone());
            }
            // The keeper may be gone by now.
            let _ = events.send(Event::Described(id, result.map_err(|error| error.kind)));
        };
        let spawner = Arc::clone(&self.shared.env.spawner);
        drop(spawner.spawn("kcl-describe", Box::pin(describing.in_current_span())));
    }

    fn list_shards(&self, id: CallId, of: StreamName) {
        let (shared, events) = (Arc::clone(&self.shared), self.events.clone());
        let listing = async move {
            let listing = async { listing::list(&**shared.sources.of(&of)?).await };
            // The coordinator waits for an answer before it lists again, so a panic needs one too.
            let result = CatchPanic(Box::pin(listing)).await;
            let result = result.unwrap_or_else(|message| {
                let error = SourceError::new(SourceErrorKind::Corrupt, "ListShards", of.as_str());
                Err(error.caused_by(format!("panicked: {message}")))
            });
            if let Err(error) = &result {
                let source = error.source.as_deref().map(ToString::to_string).unwrap_or_default();
                shared.tell(WorkerEvent::ShardsUnknown { error: error.to_string(), source });
            }
            // The keeper may be gone by now.
            let _ = events.send(Event::Shards(id, result.map_err(|error| error.kind)));
        };
        let spawner = Arc::clone(&self.shared.env.spawner);
        drop(spawner.spawn("kcl-shards", Box::pin(listing.in_current_span())));
    }

    /// Waits until every run has ended, for at most [`LAST_RUNS`].
    async fn wait_for_runs(&mut self) {
        let clock = Arc::clone(&self.shared.env.clock);
        let runs = std::mem::take(&mut self.runs);
        let all = async move {
            for run in runs.into_values() {
                run.join().await;
            }
        };
        tokio::select! {
            biased;
            () = all => {}
            () = clock.sleep(LAST_RUNS) => {}
        }
    }
}

/// Aborts the runs that are left: runs do not outlive the worker, even if the caller drops the
/// worker's future.
impl Drop for Supervisor {
    fn drop(&mut self) {
        for run in self.runs.values() {
            run.abort();
        }
    }
}
