//! What the worker tests share: a stream, a store, and a log of what processors were given.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use kcl_core::{
    env::Env,
    processor::{ProcessorError, RecordBatch},
    settings::Settings,
    stream::{ShardId, StreamSource},
    worker::{Worker, WorkerBuilder, WorkerError, WorkerHandle},
};
use kcl_memory::{MemoryServer, MemoryStream, stream::StreamOptions, virtual_env};

/// Runs a test on virtual time.
pub(crate) fn virtually<F: Future>(test: impl FnOnce(Env) -> F) -> F::Output {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().unwrap().block_on(async {
        let env = virtual_env(7);
        test(env).await
    })
}

/// A stream, a store, and a log of what processors were given.
#[derive(Clone)]
pub(crate) struct Bench {
    pub(crate) env: Env,
    pub(crate) stream: MemoryStream,
    pub(crate) server: MemoryServer,
    pub(crate) log: Log,
}

/// What processors were given: by shard, the payloads in the order of delivery.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<BTreeMap<ShardId, Vec<String>>>>);

impl Log {
    pub(crate) fn note(&self, batch: &RecordBatch) {
        let mut log = self.0.lock().unwrap();
        let seen = log.entry(batch.shard().clone()).or_default();
        seen.extend(batch.iter().map(|record| String::from_utf8_lossy(&record.data).into_owned()));
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().values().flatten().cloned().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().values().map(Vec::len).sum()
    }

    pub(crate) fn of(&self, shard: &ShardId) -> Vec<String> {
        self.0.lock().unwrap().get(shard).cloned().unwrap_or_default()
    }
}

impl Bench {
    pub(crate) fn new(env: Env, shards: u32) -> Self {
        Self::with(env, shards, |_| {})
    }

    pub(crate) fn with(env: Env, shards: u32, change: impl FnOnce(&mut StreamOptions)) -> Self {
        let mut options = StreamOptions::new("orders");
        options.shards = shards;
        options.env = env.clone();
        options.latency = Duration::from_millis(5);
        change(&mut options);
        let server = MemoryServer::with_clock(Arc::clone(&env.clock));
        Self { env, stream: MemoryStream::with(options), server, log: Log::default() }
    }

    /// Puts numbered records, `count` of them, from `first` on.
    pub(crate) fn put(&self, first: usize, count: usize) {
        for n in first..first + count {
            self.stream.put(&format!("key-{n}"), n.to_string()).unwrap();
        }
    }

    pub(crate) async fn shards(&self) -> Vec<ShardId> {
        self.stream.shards().await.unwrap().into_iter().map(|shard| shard.id).collect()
    }

    /// A worker without a processor yet.
    pub(crate) fn builder(&self, name: &str) -> WorkerBuilder {
        Worker::builder(self.stream.clone(), self.server.store("test"))
            .worker_id(name.parse().unwrap())
            .env(self.env.clone())
    }

    /// A worker that logs what it is given.
    pub(crate) fn worker(&self, name: &str, settings: Settings) -> Worker {
        let log = self.log.clone();
        let work = move |batch: RecordBatch| {
            let log = log.clone();
            async move {
                log.note(&batch);
                Ok::<(), ProcessorError>(())
            }
        };
        self.builder(name).settings(settings).for_each_batch(work).build().unwrap()
    }

    /// Starts a worker that logs what it is given.
    pub(crate) fn start(&self, name: &str) -> Running {
        Running::start(self.worker(name, Settings::default()))
    }

    /// Waits until `done`, for at most a minute.
    pub(crate) async fn wait_for(&self, what: &str, mut done: impl FnMut() -> bool) {
        let clock = Arc::clone(&self.env.clock);
        let until = clock.now() + Duration::from_secs(60);
        while !done() {
            assert!(clock.now() < until, "not reached within a minute: {what}");
            clock.sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn sleep(&self, millis: u64) {
        self.env.clock.sleep(Duration::from_millis(millis)).await;
    }
}

/// A worker that runs.
pub(crate) struct Running {
    pub(crate) handle: WorkerHandle,
    pub(crate) task: tokio::task::JoinHandle<Result<(), WorkerError>>,
}

impl Running {
    #[expect(clippy::disallowed_methods, reason = "a test may spawn")]
    pub(crate) fn start(worker: Worker) -> Self {
        let handle = worker.handle();
        Self { handle, task: tokio::spawn(worker.run()) }
    }

    /// Asks the worker to leave, and waits until it has.
    pub(crate) async fn stop(self) -> Result<(), WorkerError> {
        self.handle.shut_down();
        self.task.await.unwrap()
    }

    pub(crate) fn leases(&self) -> usize {
        self.handle.status().leases.len()
    }
}
