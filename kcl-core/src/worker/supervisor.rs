//! The supervisor: the keeper's hand on the user's runtime. Starts runs, lists shards, passes on
//! events.

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

/// How old a description of the stream may be that a worker joins with.
const FRESH: Duration = Duration::from_secs(2);
/// How long runs may take to notice that the worker is over.
const LAST_RUNS: Duration = Duration::from_secs(1);

/// Starts runs, lists shards, passes on events.
pub(super) struct Supervisor {
    pub(super) shared: Arc<Shared>,
    pub(super) directions: mpsc::UnboundedReceiver<SupervisorCommand>,
    pub(super) events: mpsc::UnboundedSender<Event>,
    pub(super) runs: BTreeMap<LeaseKey, TaskHandle>,
    /// The stream as it was described when the worker started, and when that was.
    pub(super) described: Option<(Time, StreamDescription)>,
    /// What the worker reads, for whoever else has to know.
    pub(super) stream: Arc<OnceLock<StreamDescription>>,
}

impl Supervisor {
    /// Works until the keeper says that the worker is over.
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

    fn start(&mut self, lease: &Lease, gate: Arc<Gate>) {
        let span = info_span!("kcl.run", lease = %lease.key, epoch = %lease.epoch);
        let Some(run) = Run::new(lease, gate, Arc::clone(&self.shared)) else { return };
        let former = self.runs.remove(&lease.key);
        let spawner = Arc::clone(&self.shared.env.spawner);
        let task = spawner.spawn("kcl-run", Box::pin(run.work(former).instrument(span)));
        self.runs.insert(lease.key.clone(), task);
    }

    /// The answer that the worker got as it started serves the first time, if it is not old.
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
                // Its name never changes; of the life nobody asks here.
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
            // Without an answer no shard would ever be listed again.
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

/// Runs do not outlive the worker, also if its future is dropped.
impl Drop for Supervisor {
    fn drop(&mut self) {
        for run in self.runs.values() {
            run.abort();
        }
    }
}
