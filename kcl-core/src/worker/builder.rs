//! Builds a worker and runs it.

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    sync::{Arc, OnceLock},
};

use tokio::sync::{mpsc, oneshot};
use tracing::{Instrument, info_span};

use super::{
    WorkerError, WorkerEvent, WorkerHandle,
    budget::Budget,
    call::Calls,
    declaring::Declaring,
    gate::Validity,
    keeper::{Keeper, SupervisorCommand},
    ready::{Unready, prepare},
    remaking::Remaking,
    run::{DeadLetter, Shared},
    skipping::Skipping,
    supervisor::Supervisor,
};
use crate::{
    assignment::placement::Declaration,
    coordinator::{Coordinator, Event, Outcome},
    env::Env,
    lease::WorkerId,
    observe::{
        LoadBoard, Observer, ReportBoard, Seam, StatusBoard, StuckBoard, Told, WatchedSource,
        WatchedStore,
    },
    processor::{ProcessorError, ProcessorFactory, RecordBatch, from_batches},
    settings::{InvalidSettings, ProgressMode, Settings},
    store::LeaseStore,
    stream::{Sources, StreamDescription, StreamSource},
};

/// A member of a fleet that shares the shards of a stream (`Scheduler` in the Java KCL).
pub struct Worker {
    id: WorkerId,
    settings: Settings,
    env: Env,
    store: WatchedStore,
    shared: Arc<Shared>,
    status: StatusBoard,
    reports: ReportBoard,
    told: Told,
    validity: Validity,
    events: (mpsc::UnboundedSender<Event>, mpsc::UnboundedReceiver<Event>),
    placement: Placed,
}

/// The placement rules that this worker declares or needs.
struct Placed {
    declared: Option<Declaration>,
    /// Whether the worker refuses to start without rules.
    needed: bool,
    changes: (mpsc::UnboundedSender<Declaration>, mpsc::UnboundedReceiver<Declaration>),
}

/// Builds a [`Worker`]. Only a builder that has a processor has the method `build`.
///
/// ```compile_fail,E0599
/// # use kcl_core::{store::LeaseStore, stream::StreamSource, worker::Worker};
/// # fn of(source: impl StreamSource, store: impl LeaseStore) {
/// Worker::builder(source, store).build(); // nobody would process the records
/// # }
/// ```
///
/// ```
/// # use kcl_core::{store::LeaseStore, stream::StreamSource, worker::Worker};
/// # fn of(source: impl StreamSource, store: impl LeaseStore) {
/// let worker = Worker::builder(source, store).for_each_batch(|_| async { Ok(()) }).build();
/// # }
/// ```
pub struct WorkerBuilder<P = NoProcessor> {
    source: Arc<dyn StreamSource>,
    store: Arc<dyn LeaseStore>,
    id: Option<WorkerId>,
    settings: Settings,
    env: Env,
    factory: P,
    dead_letter: Option<Arc<dyn DeadLetter>>,
    observers: Vec<Arc<dyn Observer>>,
    declared: Option<Declaration>,
    needs_rules: bool,
}

/// The type state of a [`WorkerBuilder`] without a processor.
#[derive(Clone, Copy, Debug)]
pub struct NoProcessor(());

/// The type state of a [`WorkerBuilder`] with a processor.
pub struct WithProcessor(Box<dyn ProcessorFactory>);

impl Worker {
    /// Starts to build a worker that reads `source` and keeps its coordination state in `store`.
    #[must_use]
    pub fn builder(source: impl StreamSource, store: impl LeaseStore) -> WorkerBuilder {
        Self::shared_builder(Arc::new(source), Arc::new(store))
    }

    /// Does the same as [`Self::builder`], for a source and a store chosen at run time.
    #[must_use]
    pub fn shared_builder(
        source: Arc<dyn StreamSource>,
        store: Arc<dyn LeaseStore>,
    ) -> WorkerBuilder {
        WorkerBuilder {
            source,
            store,
            id: None,
            settings: Settings::default(),
            env: Env::system(),
            factory: NoProcessor(()),
            dead_letter: None,
            observers: Vec::new(),
            declared: None,
            needs_rules: false,
        }
    }

    /// Returns a handle that watches and stops the worker.
    #[must_use]
    pub fn handle(&self) -> WorkerHandle {
        WorkerHandle {
            events: self.events.0.clone(),
            told: self.told.clone(),
            status: self.status.clone(),
            id: self.id.clone(),
            declared: self.placement.changes.0.clone(),
        }
    }

    /// Runs until `signal` completes, then releases every lease and leaves.
    ///
    /// # Errors
    /// The same as [`Self::run`].
    ///
    /// # Cancel safety
    /// A caller that drops the future stops every run at once; no batch finishes. The keeper ends
    /// the session with one write, so that other workers need not wait for the session timeout.
    pub async fn run_until(self, signal: impl Future) -> Result<(), WorkerError> {
        let handle = self.handle();
        let mut running = Box::pin(self.run());
        tokio::select! {
            biased;
            result = &mut running => return result,
            _ = signal => handle.shut_down(),
        }
        running.await
    }

    /// Runs until [`WorkerHandle::shut_down`] is called, or an error ends the worker.
    ///
    /// # Errors
    /// Each variant of [`WorkerError`] says when it occurs. The worker retries an outage or a rate
    /// limit of the store or the stream for ever.
    ///
    /// # Cancel safety
    /// The same as [`Self::run_until`].
    pub async fn run(self) -> Result<(), WorkerError> {
        let span = info_span!("kcl.worker", worker = %self.id);
        self.work().instrument(span).await
    }

    async fn work(mut self) -> Result<(), WorkerError> {
        let described = match self.shared.sources.describe(None).await {
            Ok(description) => Some((self.env.clock.now(), description)),
            // An error that may pass ends no worker; the coordinator describes the stream again.
            Err(error) if error.is_retryable() => None,
            Err(error) => return Err(error.into()),
        };
        tokio::select! {
            biased;
            prepared = super::prepare::prepare(&self.shared.sources, &self.env) => prepared?,
            () = wait_for_shutdown(&mut self.events.1) => {
                say_left();
                return Ok(());
            }
        }
        let (directions, directed) = mpsc::unbounded_channel();
        let (ready, prepared) = oneshot::channel();
        let stream = Arc::new(OnceLock::new());
        let supervisor = Supervisor {
            shared: Arc::clone(&self.shared),
            directions: directed,
            events: self.events.0.clone(),
            runs: BTreeMap::new(),
            described,
            stream: Arc::clone(&stream),
        };
        let location = self.store.location();
        self.start_keeper(directions, ready, stream)?;
        match prepared.await {
            Ok(Ok(())) => supervisor.work().await,
            Ok(Err(Unready::Store(source))) => Err(WorkerError::Store { location, source }),
            Ok(Err(Unready::NoRules)) => Err(WorkerError::NoPlacementRules { location }),
            Err(_) => Err(WorkerError::KeeperGone),
        }
    }

    fn start_keeper(
        self,
        directions: mpsc::UnboundedSender<SupervisorCommand>,
        ready: oneshot::Sender<Result<(), Unready>>,
        stream: Arc<OnceLock<StreamDescription>>,
    ) -> Result<(), WorkerError> {
        let Self { id, settings, env, store, shared, status, validity, mut events, .. } = self;
        let (spawner, seam, reports) =
            (Arc::clone(&env.spawner), shared.seam.clone(), self.reports);
        let Placed { declared, needed, changes: (_, changes) } = self.placement;
        let needs_rules = needed && declared.is_none();
        let keep = async move {
            let prepared = tokio::select! {
                biased;
                prepared = prepare(&store, needs_rules, &env, &seam, &directions) => prepared,
                () = wait_for_shutdown(&mut events.1) => {
                    // Nothing was registered, so there is nothing to hand over.
                    seam.event(&WorkerEvent::finished(&Outcome::Left));
                    // The receiver is gone if the caller dropped the worker's future.
                    let _ = directions.send(SupervisorCommand::Finished(Outcome::Left));
                    let _ = ready.send(Ok(()));
                    return;
                }
            };
            let go = prepared.is_ok();
            if ready.send(prepared).is_err() || !go {
                return;
            }
            let seed = env.entropy.next_u64();
            let coordination = settings.coordination.clone();
            let declaring = Declaring {
                worker: id.clone(),
                store: store.clone(),
                clock: Arc::clone(&env.clock),
                seam: seam.clone(),
                settings: coordination.clone(),
                stream,
                declared,
                changes,
            };
            let skipping = Skipping::new(&store, &env, &shared.stuck);
            let mut coordinator = Coordinator::new(id, coordination, env.clock.now(), seed);
            if settings.delivery.progress == ProgressMode::Transactional {
                coordinator = coordinator.following_the_store();
            }
            let keeper = Keeper {
                coordinator,
                store,
                seam,
                reports,
                env,
                settings,
                validity,
                status,
                events: events.1,
                sender: events.0,
                directions,
                gates: BTreeMap::new(),
                calls: Calls::new(),
                remaking: Remaking::default(),
            };
            tokio::select! {
                biased;
                () = Box::pin(keeper.keep()) => {}
                () = Box::pin(declaring.work()) => {}
                () = Box::pin(skipping.work()) => {}
            }
        };
        let keep = keep.in_current_span();
        spawner.spawn_keeper(Box::new(move || Box::pin(keep))).map_err(WorkerError::Thread)
    }
}

/// Logs the end of a worker that left before its keeper started. Otherwise the keeper logs it.
fn say_left() {
    tracing::info!(outcome = %Outcome::Left, "kcl.worker.finished");
}

/// Waits for a request to leave, while the worker prepares and no coordinator takes events.
async fn wait_for_shutdown(events: &mut mpsc::UnboundedReceiver<Event>) {
    while let Some(event) = events.recv().await {
        if matches!(event, Event::Leave) {
            return;
        }
    }
    // Handles and the supervisor hold senders, so that the channel does not close here.
    std::future::pending::<()>().await;
}

impl<P> WorkerBuilder<P> {
    /// Sets the worker's id, unique in the application. The default is the environment variable
    /// `POD_NAME` if it is set and not empty; else the host name, the process id and a random part.
    #[must_use]
    pub fn worker_id(mut self, id: WorkerId) -> Self {
        self.id = Some(id);
        self
    }

    /// Sets all settings.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets the processor: a factory, or any `Fn(&LeaseHandle) -> P` with `P: RecordProcessor`. A
    /// later call replaces the processor.
    #[must_use]
    pub fn processor(self, factory: impl ProcessorFactory) -> WorkerBuilder<WithProcessor> {
        WorkerBuilder {
            factory: WithProcessor(Box::new(factory)),
            source: self.source,
            store: self.store,
            id: self.id,
            settings: self.settings,
            env: self.env,
            dead_letter: self.dead_letter,
            observers: self.observers,
            declared: self.declared,
            needs_rules: self.needs_rules,
        }
    }

    /// Sets an async closure as the processor. The worker calls it with every batch; `Ok` means
    /// that each record of the batch is processed.
    #[must_use]
    pub fn for_each_batch<F, R>(self, work: F) -> WorkerBuilder<WithProcessor>
    where
        F: Fn(RecordBatch) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Result<(), ProcessorError>> + Send + 'static,
    {
        self.processor(from_batches(work))
    }

    /// Sets the sink for records that the failure policy skips or the operator gives up.
    #[must_use]
    pub fn dead_letter(mut self, sink: impl DeadLetter) -> Self {
        self.dead_letter = Some(Arc::new(sink));
        self
    }

    /// Adds an [`Observer`]. Each call adds one more.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// Declares placement rules for the whole fleet. The worker writes them to the store after it
    /// has joined. It only warns if these rules were in force before and others replaced them, or
    /// if the operator has changed the rules by command. A rule that names no stream is for the
    /// stream that this worker reads.
    #[must_use]
    pub fn placement(mut self, declaration: Declaration) -> Self {
        self.declared = Some(declaration);
        self
    }

    /// Makes [`Worker::run`] fail if neither this worker nor the store has placement rules.
    #[must_use]
    pub const fn needs_placement_rules(mut self) -> Self {
        self.needs_rules = true;
        self
    }

    /// Replaces clock, randomness and spawner of the real machine: a simulation needs its own.
    #[must_use]
    pub fn env(mut self, env: Env) -> Self {
        self.env = env;
        self
    }
}

impl WorkerBuilder<WithProcessor> {
    /// Checks the settings and makes the worker.
    ///
    /// # Errors
    /// [`WorkerError::Settings`] with the first contradiction in the settings and its numbers, or
    /// with a `POD_NAME` that is no valid worker id.
    pub fn build(self) -> Result<Worker, WorkerError> {
        self.settings.validate()?;
        let WithProcessor(factory) = self.factory;
        check_progress(self.settings.delivery.progress, factory.commits_checkpoints())?;
        let id = match self.id {
            Some(id) => id,
            None => super::default_id::default_worker_id(&*self.env.entropy)?,
        };
        let clock = || Arc::clone(&self.env.clock);
        let (told, loads, stuck) = (Told::new(), LoadBoard::new(clock()), StuckBoard::default());
        let status = StatusBoard::new(loads.clone(), clock());
        let events = mpsc::unbounded_channel();
        let sender: mpsc::UnboundedSender<Event> = events.0.clone();
        let reports = ReportBoard::new(&self.settings, loads.clone(), clock(), sender)
            .with_stuck(stuck.clone(), self.dead_letter.is_some());
        let own: [Arc<dyn Observer>; 4] = [
            Arc::new(loads.clone()),
            Arc::new(status.clone()),
            Arc::new(reports.clone()),
            Arc::new(told.clone()),
        ];
        let observers = own.into_iter().chain(self.observers);
        let seam = Seam::new(self.store.application(), Some(id.clone()), clock(), observers);
        let store = WatchedStore::new(self.store, seam.clone());
        let validity = Validity::new(clock());
        let shared = Arc::new(Shared {
            sources: Sources::new([Arc::new(WatchedSource::new(self.source, seam.clone())) as _]),
            factory,
            dead_letter: self.dead_letter,
            budget: Budget::new(self.settings.delivery.byte_budget),
            delivery: self.settings.delivery.clone(),
            location: store.location().into(),
            env: self.env.clone(),
            seam,
            loads,
            stuck,
        });
        let (settings, env) = (self.settings, self.env);
        let placement = Placed {
            declared: self.declared,
            needed: self.needs_rules,
            changes: mpsc::unbounded_channel(),
        };
        Ok(Worker {
            id,
            settings,
            env,
            store,
            shared,
            status,
            reports,
            told,
            validity,
            events,
            placement,
        })
    }
}

/// Refuses a processor and settings that disagree on who commits checkpoints: effects would repeat.
fn check_progress(mode: ProgressMode, commits: bool) -> Result<(), InvalidSettings> {
    let transactional = mode == ProgressMode::Transactional;
    let (problem, remedy) = match (transactional, commits) {
        (true, false) => (
            "transactional needs a processor that commits its checkpoints with its effects",
            "give such a processor, or use automatic or manual",
        ),
        (false, true) => (
            "the processor commits its checkpoints with its effects, others must not be written",
            "use transactional",
        ),
        _ => return Ok(()),
    };
    Err(InvalidSettings::new("progress", problem, remedy))
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<P> fmt::Debug for WorkerBuilder<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerBuilder").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for WithProcessor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithProcessor").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_commits_checkpoints_is_said_on_both_sides() {
        use ProgressMode::{Automatic, Manual, Transactional};
        for background in [Automatic, Manual] {
            assert!(check_progress(background, false).is_ok());
            let refused = check_progress(background, true).unwrap_err().to_string();
            assert!(refused.contains("use transactional"), "{refused}");
        }
        assert!(check_progress(Transactional, true).is_ok());
        let refused = check_progress(Transactional, false).unwrap_err().to_string();
        assert!(refused.contains("give such a processor"), "{refused}");
    }
}
