//! What the tests share: a stream, workers on a server, and what was read.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use kcl_core::{
    lease::{Epoch, LeaseKey, SessionId},
    processor::{ProcessorError, RecordBatch},
    settings::Settings,
    store::LeaseStoreExt,
    worker::{Worker, WorkerError, WorkerHandle},
};
use kcl_memory::{MemoryStream, stream::StreamOptions};
use kcl_postgres::PostgresStore;
use kcl_tests::postgres::short_settings;

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A stream, where its leases are, and what was read.
pub(crate) struct Bench {
    pub(crate) stream: MemoryStream,
    url: String,
    read: Arc<Mutex<Vec<String>>>,
}

/// A worker that runs.
pub(crate) struct Running {
    pub(crate) handle: WorkerHandle,
    pub(crate) task: tokio::task::JoinHandle<Result<(), WorkerError>>,
}

impl Running {
    pub(crate) fn leases(&self) -> usize {
        self.handle.status().leases.len()
    }

    pub(crate) async fn stop(self) {
        self.handle.shut_down();
        self.task.await.unwrap().unwrap();
    }
}

/// The address of the server at a port.
pub(crate) fn url_at(port: u16) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/postgres")
}

impl Bench {
    /// Leases of a stream on the server at a port.
    pub(crate) fn new(port: u16, shards: u32) -> Self {
        let mut options = StreamOptions::new("orders");
        options.shards = shards;
        options.poll_interval = Duration::from_millis(20);
        Self { stream: MemoryStream::with(options), url: url_at(port), read: Arc::default() }
    }

    pub(crate) fn store(&self) -> PostgresStore {
        PostgresStore::new("orders", &self.url).unwrap()
    }

    pub(crate) fn start(&self, name: &str) -> Running {
        self.start_with(name, short_settings())
    }

    pub(crate) fn start_with(&self, name: &str, settings: Settings) -> Running {
        let read = Arc::clone(&self.read);
        let work = move |batch: RecordBatch| {
            let read = Arc::clone(&read);
            async move {
                let data = batch.iter().map(|record| String::from_utf8_lossy(&record.data).into());
                read.lock().unwrap().extend(data);
                Ok::<(), ProcessorError>(())
            }
        };
        let worker = Worker::builder(self.stream.clone(), self.store())
            .worker_id(name.parse().unwrap())
            .settings(settings)
            .for_each_batch(work)
            .build()
            .unwrap();
        Running { handle: worker.handle(), task: tokio::spawn(worker.run()) }
    }

    pub(crate) fn put(&self, from: usize, count: usize) {
        for n in from..from + count {
            self.stream.put(&format!("key-{n}"), n.to_string()).unwrap();
        }
    }

    pub(crate) async fn wait_for(&self, what: &str, mut done: impl FnMut() -> bool) {
        let wait = async {
            while !done() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, wait).await.is_ok(), "not reached: {what}");
    }

    /// How many different records were read.
    pub(crate) fn distinct(&self) -> usize {
        self.read.lock().unwrap().iter().collect::<BTreeSet<_>>().len()
    }

    /// How many records were read or are in shards other than this one.
    pub(crate) fn count_outside(&self, shard: &str) -> usize {
        let in_others =
            self.stream.history().into_iter().filter(|it| it.shard.id.as_str() != shard);
        let there = in_others.flat_map(|shard| shard.records);
        let there = there.map(|record| String::from_utf8_lossy(&record.data).into_owned());
        let read = self.read.lock().unwrap().clone();
        read.into_iter().chain(there).collect::<BTreeSet<_>>().len()
    }

    pub(crate) async fn all_read(&self, count: usize) {
        self.wait_for("everything is read", || self.distinct() == count).await;
    }

    /// Who holds what, under which epoch.
    pub(crate) async fn holders(&self) -> BTreeSet<(LeaseKey, Option<SessionId>, Epoch)> {
        let leases = self.store().all_leases().await.unwrap();
        leases.into_iter().map(|lease| (lease.key, lease.owner, lease.epoch)).collect()
    }
}
