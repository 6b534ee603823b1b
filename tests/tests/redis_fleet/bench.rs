//! What the tests share: a stream, workers on a server, and what their processors were given.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use kcl_core::{
    env::Env,
    lease::{Checkpoint, Lease},
    processor::{ProcessorError, RecordBatch},
    settings::{Coordination, Settings},
    store::LeaseStoreExt,
    worker::{Worker, WorkerError, WorkerHandle},
};
use kcl_memory::{MemoryStream, stream::StreamOptions};
use kcl_redis::RedisStore;
use tokio::task::JoinHandle;

/// How long something may take that has to happen: plenty, so that only a hang fails.
const PATIENCE: Duration = Duration::from_secs(90);

/// A stream, and workers of one application that read it.
#[derive(Clone)]
pub(crate) struct Bench {
    pub(crate) application: &'static str,
    pub(crate) url: String,
    pub(crate) settings: Settings,
    stream: MemoryStream,
    /// How often each payload was processed.
    seen: Arc<Mutex<BTreeMap<usize, u32>>>,
}

/// A worker that runs.
pub(crate) struct Running {
    pub(crate) handle: WorkerHandle,
    task: JoinHandle<Result<(), WorkerError>>,
}

/// The profile for small session timeouts, with checkpoints written soon.
fn fast() -> Settings {
    let mut coordination = Coordination::default();
    coordination.session_timeout = Duration::from_secs(3);
    coordination.heartbeat_interval = Duration::from_millis(750);
    coordination.watch_interval = Duration::from_secs(1);
    coordination.clock_guard = Duration::from_millis(150);
    coordination.wake_poll = Duration::from_millis(250);
    coordination.checkpoint_interval = Duration::from_millis(200);
    let mut settings = Settings::default();
    settings.coordination = coordination;
    settings
}

impl Bench {
    pub(crate) fn new(application: &'static str, url: String, shards: u32) -> Self {
        let mut options = StreamOptions::new("orders");
        options.shards = shards;
        options.poll_interval = Duration::from_millis(50);
        let stream = MemoryStream::with(options);
        Self { application, url, settings: fast(), stream, seen: Arc::default() }
    }

    /// Puts numbered records, `count` of them, from `first` on.
    pub(crate) fn put(&self, first: usize, count: usize) {
        for n in first..first + count {
            self.stream.put(&format!("key-{n}"), n.to_string()).unwrap();
        }
    }

    /// A client of the fleet's state.
    pub(crate) fn store(&self) -> RedisStore {
        let store = RedisStore::builder(self.application).url(&self.url);
        store.operation_timeout(Duration::from_secs(1)).build().unwrap()
    }

    /// Starts a worker that notes what it is given.
    #[expect(clippy::disallowed_methods, reason = "a test may spawn")]
    pub(crate) fn start(&self, name: &str) -> Running {
        let seen = Arc::clone(&self.seen);
        let note = move |batch: RecordBatch| {
            let mut seen = seen.lock().unwrap();
            for record in &batch {
                let n = String::from_utf8_lossy(&record.data).parse().unwrap();
                *seen.entry(n).or_default() += 1;
            }
            async { Ok::<(), ProcessorError>(()) }
        };
        let worker = Worker::builder(self.stream.clone(), self.store())
            .worker_id(name.parse().unwrap())
            .settings(self.settings.clone())
            .for_each_batch(note)
            .build()
            .unwrap();
        Running { handle: worker.handle(), task: tokio::spawn(worker.run()) }
    }

    /// How many different records were processed.
    pub(crate) fn processed(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// The records that were processed more than once.
    pub(crate) fn repeated(&self) -> Vec<usize> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|(_, count)| **count > 1).map(|(n, _)| *n).collect()
    }

    /// The same of some shards only.
    pub(crate) fn repeated_in(&self, leases: &[&Lease]) -> Vec<usize> {
        let shards: Vec<_> = leases.iter().filter_map(|lease| lease.key.shard()).collect();
        let history = self.stream.history();
        let history = history.iter().filter(|history| shards.contains(&history.shard.id));
        let records = history.flat_map(|history| &history.records);
        let there: Vec<usize> =
            records.map(|record| String::from_utf8_lossy(&record.data).parse().unwrap()).collect();
        self.repeated().into_iter().filter(|n| there.contains(n)).collect()
    }

    /// The shards' leases by key, as the store has them; none while it does not answer.
    pub(crate) async fn rows(&self) -> BTreeMap<String, Lease> {
        let rows = self.store().all_leases().await.unwrap_or_default();
        let shards = rows.into_iter().filter(|row| !row.key.is_role());
        shards.map(|row| (row.key.to_string(), row)).collect()
    }

    /// Waits until the checkpoints stored cover `count` records in all.
    pub(crate) async fn checkpointed(&self, count: usize) {
        wait_for("checkpoints", async || {
            let rows = self.rows().await;
            self.processed() >= count && rows.values().all(|row| self.covers(row))
        })
        .await;
    }

    /// Whether a row's checkpoint is at the last record of its shard.
    pub(crate) fn covers(&self, row: &Lease) -> bool {
        let shard = row.key.shard().unwrap();
        let history = self.stream.history();
        let shard = history.iter().find(|history| history.shard.id == shard).unwrap();
        match (shard.records.last(), &row.checkpoint) {
            (None, _) => true,
            (Some(last), Checkpoint::After(at)) => *at == last.position,
            (Some(_), _) => false,
        }
    }
}

impl Running {
    pub(crate) fn leases(&self) -> usize {
        self.handle.status().leases.len()
    }

    /// Asks the worker to leave, and waits until it has.
    pub(crate) async fn stop(self) {
        self.handle.shut_down();
        self.task.await.unwrap().unwrap();
    }
}

/// Waits until every worker holds as many leases as it should.
pub(crate) async fn hold(workers: &[(&Running, usize)]) {
    let counts = || workers.iter().map(|(worker, _)| worker.leases()).collect::<Vec<_>>();
    let wanted: Vec<usize> = workers.iter().map(|(_, wanted)| *wanted).collect();
    wait_for("an even spread", async || counts() == wanted).await;
}

pub(crate) async fn wait_for(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let clock = Env::system().clock;
    let until = clock.now() + PATIENCE;
    while !done().await {
        assert!(clock.now() < until, "not reached within {PATIENCE:?}: {what}");
        clock.sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) async fn sleep(millis: u64) {
    Env::system().clock.sleep(Duration::from_millis(millis)).await;
}
