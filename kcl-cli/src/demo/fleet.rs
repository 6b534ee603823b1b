//! Runs the workers of the demo, each on a runtime of its own with its own connections, so that a
//! crash of one cannot touch the others.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use anyhow::{Context, Result, anyhow};
use kcl_core::{
    env::Env,
    worker::{Worker, WorkerError, WorkerEvent, WorkerHandle},
};
use tokio::{runtime::Runtime, sync::broadcast, task::JoinHandle};

use super::{
    facts::WorkerNo,
    killable::{KillSwitch, KillableSpawner},
    ledger::Ledger,
    store::DemoStore,
    stream::DemoStream,
};

/// How long the workers may take to leave at the end of the run.
const LEAVING: Duration = Duration::from_secs(10);

/// The workers that run.
pub(super) struct Fleet {
    stream: DemoStream,
    store: DemoStore,
    ledger: Ledger,
    running: BTreeMap<WorkerNo, Running>,
}

/// A worker that runs.
struct Running {
    handle: WorkerHandle,
    /// `None` once `drop` has shut it down.
    runtime: Option<Runtime>,
    /// The future of `Worker::run`.
    task: JoinHandle<Result<(), WorkerError>>,
    /// Stops its keeper, which writes to the store.
    life: Arc<KillSwitch>,
}

impl Fleet {
    /// A fleet without workers, that reads `stream`.
    pub(super) const fn new(stream: DemoStream, store: DemoStore, ledger: Ledger) -> Self {
        Self { stream, store, ledger, running: BTreeMap::new() }
    }

    /// Starts a worker. Its processor writes each batch into the ledger.
    ///
    /// # Errors
    /// The operating system refuses a thread, or a setting is invalid.
    pub(super) fn start(&mut self, worker: WorkerNo) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(worker.to_string())
            .enable_all()
            .build()?;
        let (env, life) = KillableSpawner::env();
        let ledger = self.ledger.clone();
        let source = Arc::new(self.stream.source()?);
        let built = Worker::shared_builder(source, self.store.open()?)
            .worker_id(worker.to_string().parse()?)
            .env(env)
            .for_each_batch(move |batch| {
                let done = ledger.processed(worker, &batch);
                async move { Ok(done?) }
            })
            .build()?;
        let handle = built.handle();
        drop(runtime.spawn(listen(handle.events(), worker, self.ledger.clone())));
        let task = runtime.spawn(built.run());
        self.running.insert(worker, Running { handle, runtime: Some(runtime), task, life });
        Ok(())
    }

    /// The workers that run.
    pub(super) fn workers(&self) -> impl Iterator<Item = WorkerNo> {
        self.running.keys().copied()
    }

    /// The planner; `None` while no worker plans.
    pub(super) fn planner(&self) -> Option<WorkerNo> {
        let plans =
            |(no, running): (&WorkerNo, &Running)| running.handle.status().planning.then_some(*no);
        self.running.iter().find_map(plans)
    }

    /// Switches a worker off. It releases no lease, does not end its session, and finishes nothing
    /// that is in flight.
    pub(super) fn crash(&mut self, worker: WorkerNo) {
        if let Some(running) = self.running.remove(&worker) {
            // First the keeper, which could still write to the store, then the readers.
            running.life.end();
            drop(running);
        }
    }

    /// Asks a worker to leave gracefully, and does not wait.
    pub(super) fn ask_to_leave(&self, worker: WorkerNo) {
        if let Some(running) = self.running.get(&worker) {
            running.handle.shut_down();
        }
    }

    /// Removes the workers that have ended. `leaving` are those that were asked to.
    ///
    /// # Errors
    /// A worker ended that nobody asked to leave, or it failed.
    pub(super) async fn reap(&mut self, leaving: &[WorkerNo]) -> Result<()> {
        let over = |(no, running): (&WorkerNo, &Running)| running.task.is_finished().then_some(*no);
        let gone: Vec<WorkerNo> = self.running.iter().filter_map(over).collect();
        for worker in gone {
            let Some(mut running) = self.running.remove(&worker) else { continue };
            (&mut running.task).await.context("a worker panicked")??;
            if !leaving.contains(&worker) {
                return Err(anyhow!("{worker} left although nobody asked it to"));
            }
        }
        Ok(())
    }

    /// Stops every worker gracefully.
    ///
    /// # Errors
    /// A worker failed, or did not leave within [`LEAVING`].
    pub(super) async fn stop(&mut self, env: &Env) -> Result<()> {
        let all: Vec<WorkerNo> = self.workers().collect();
        for worker in &all {
            self.ask_to_leave(*worker);
        }
        let deadline = env.clock.now() + LEAVING;
        while !self.running.is_empty() {
            self.reap(&all).await?;
            if env.clock.now() > deadline {
                let left: Vec<String> = self.workers().map(|no| no.to_string()).collect();
                return Err(anyhow!("{} did not leave within {LEAVING:?}", left.join(", ")));
            }
            env.clock.sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

/// Notes the events of a worker in the ledger.
async fn listen(mut events: broadcast::Receiver<WorkerEvent>, worker: WorkerNo, ledger: Ledger) {
    loop {
        match events.recv().await {
            Ok(WorkerEvent::LeaseGained { key, epoch, .. }) => {
                ledger.turn(worker, &key, epoch, true);
            }
            Ok(WorkerEvent::LeaseLost { key, epoch, .. }) => {
                ledger.turn(worker, &key, epoch, false);
            }
            Ok(WorkerEvent::ShardEnded { key, .. }) => ledger.ended(worker, &key),
            Ok(event) => {
                if let Some(trouble) = trouble(&event) {
                    ledger.trouble(format!("{worker}: {trouble}"));
                }
            }
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                ledger.trouble(format!("{worker}: {missed} of its events were missed"));
            }
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// The text of an event that must not happen in the demo; `None` for all others.
fn trouble(event: &WorkerEvent) -> Option<String> {
    match event {
        WorkerEvent::RecordsLost { key, .. } => Some(format!("records of {key} were lost")),
        WorkerEvent::BatchFailed { error, .. } => Some(format!("a batch failed: {error}")),
        WorkerEvent::ProcessorPanicked { message, .. } => Some(format!("panicked: {message}")),
        WorkerEvent::RecordSkipped { key, .. } => Some(format!("a record of {key} was skipped")),
        _ => None,
    }
}

/// Tokio panics if a runtime is dropped within a task of another one, because the drop would block.
impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet").field("running", &self.running.keys()).finish_non_exhaustive()
    }
}
