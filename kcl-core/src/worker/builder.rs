//! Making and running a worker.

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

/// What a worker has to do with placement rules.
struct Placed {
    declared: Option<Declaration>,
    /// It does not start without any.
    needed: bool,
    changes: (mpsc::UnboundedSender<Declaration>, mpsc::UnboundedReceiver<Declaration>),
}

/// Makes a [`Worker`], once it has a processor: a builder without one cannot build.
///
/// ```compile_fail,E0599
/// # use kcl_core::{store::LeaseStore, stream::StreamSource, worker::Worker};
/// # fn of(source: impl StreamSource, store: impl LeaseStore) {
/// Worker::builder(source, store).build(); // of what is read, nothing would become
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

/// What a [`WorkerBuilder`] has before it is given a processor.
#[derive(Clone, Copy, Debug)]
pub struct NoProcessor(());

/// What a [`WorkerBuilder`] has once it was given a processor.
pub struct WithProcessor(Box<dyn ProcessorFactory>);

impl Worker {
    /// A worker that reads `source` and keeps its coordination state in `store`.
    #[must_use]
    pub fn builder(source: impl StreamSource, store: impl LeaseStore) -> WorkerBuilder {
        Self::shared_builder(Arc::new(source), Arc::new(store))
    }

    /// As [`Self::builder`], for a source and a store chosen at run time.
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

    /// A hold on the worker, to watch and to stop it with.
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

    /// Runs until `signal` completes, then hands every lease over and leaves.
    ///
    /// # Errors
    /// As [`Self::run`].
    ///
    /// # Cancel safety
    /// Dropping the future stops every run and ends the session with one write, without letting
    /// batches finish.
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

    /// Runs until it is shut down by its handle, or cannot go on.
    ///
    /// # Errors
    /// When the store or the stream cannot be used as they are set up, another worker uses the same
    /// id, the application reads another stream, or reading is to start at a time that is still to
    /// come. What may pass is tried again, for ever.
    ///
    /// # Cancel safety
    /// As [`Self::run_until`].
    pub async fn run(self) -> Result<(), WorkerError> {
        let span = info_span!("kcl.worker", worker = %self.id);
        self.work().instrument(span).await
    }

    async fn work(mut self) -> Result<(), WorkerError> {
        let described = match self.shared.sources.describe(None).await {
            Ok(description) => Some((self.env.clock.now(), description)),
            // Somebody has to mend it, or it passes: only the first is worth stopping for.
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
                    // Nobody listens if the worker's future is gone.
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

/// A worker that was told to leave before it had begun: nothing was registered, so there is nothing
/// to hand over.
fn say_left() {
    tracing::info!(outcome = %Outcome::Left, "kcl.worker.finished");
}

/// Waits until somebody asks the worker to leave that has not begun yet.
async fn wait_for_shutdown(events: &mut mpsc::UnboundedReceiver<Event>) {
    while let Some(event) = events.recv().await {
        if matches!(event, Event::Leave) {
            return;
        }
    }
    // The supervisor has a sender as long as it lives.
    std::future::pending::<()>().await;
}

impl<P> WorkerBuilder<P> {
    /// This worker's name among the workers of the application. Without one it is `POD_NAME` from
    /// the environment, which then must be a name, else made of the host's name, the process id and
    /// a random part.
    #[must_use]
    pub fn worker_id(mut self, id: WorkerId) -> Self {
        self.id = Some(id);
        self
    }

    /// Every knob.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// The processor: a factory, or any `Fn(&LeaseHandle) -> P` with `P: RecordProcessor`. The one
    /// that was given last is used.
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

    /// The processor: an async closure that is given every batch.
    #[must_use]
    pub fn for_each_batch<F, R>(self, work: F) -> WorkerBuilder<WithProcessor>
    where
        F: Fn(RecordBatch) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Result<(), ProcessorError>> + Send + 'static,
    {
        self.processor(from_batches(work))
    }

    /// Where records go that the failure policy skips, or that the operator gives up.
    #[must_use]
    pub fn dead_letter(mut self, sink: impl DeadLetter) -> Self {
        self.dead_letter = Some(Arc::new(sink));
        self
    }

    /// Whom everything is told to that is watched: see [`Observer`]. May be given several times.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// Which shards must or should go to which workers, for the whole fleet. Applied once the
    /// worker has joined, unless the same map was applied before and another one has taken its
    /// place, or the operator has changed the rules by command: then the worker only warns. Rules
    /// that name no stream are for the one that the worker reads.
    #[must_use]
    pub fn placement(mut self, declaration: Declaration) -> Self {
        self.declared = Some(declaration);
        self
    }

    /// The worker does not start without placement rules, its own or those in the store.
    #[must_use]
    pub const fn needs_placement_rules(mut self) -> Self {
        self.needs_rules = true;
        self
    }

    /// Another world than the real machine: a simulation's.
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
    /// The first contradiction in the settings, with the numbers; or that `POD_NAME` is to be the
    /// worker's id and can be none.
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

/// Who commits checkpoints has to be said on both sides: a mistake would repeat effects.
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
