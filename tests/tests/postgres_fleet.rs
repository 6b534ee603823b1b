//! Whole fleets of workers whose leases are in PostgreSQL.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]
#![expect(clippy::disallowed_methods, reason = "real servers, so real time")]

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use kcl_core::{
    lease::{Epoch, LeaseKey, SessionId},
    processor::{ProcessorError, RecordBatch},
    store::LeaseStoreExt,
    worker::{Worker, WorkerError, WorkerHandle},
};
use kcl_memory::{MemoryStream, stream::StreamOptions};
use kcl_postgres::PostgresStore;
use kcl_tests::{postgres::short_settings, servers::Postgres};

const PATIENCE: Duration = Duration::from_secs(60);

/// A stream, a server, and what was read.
struct Bench {
    server: Postgres,
    stream: MemoryStream,
    read: Arc<Mutex<Vec<String>>>,
}

struct Running {
    handle: WorkerHandle,
    task: tokio::task::JoinHandle<Result<(), WorkerError>>,
}

impl Running {
    fn leases(&self) -> usize {
        self.handle.status().leases.len()
    }

    async fn stop(self) {
        self.handle.shut_down();
        self.task.await.unwrap().unwrap();
    }
}

impl Bench {
    fn new(shards: u32) -> Self {
        let mut options = StreamOptions::new("orders");
        options.shards = shards;
        options.poll_interval = Duration::from_millis(20);
        Self {
            server: Postgres::start().unwrap(),
            stream: MemoryStream::with(options),
            read: Arc::default(),
        }
    }

    fn store(&self) -> PostgresStore {
        PostgresStore::new("orders", &self.server.url()).unwrap()
    }

    fn start(&self, name: &str) -> Running {
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
            .settings(short_settings())
            .for_each_batch(work)
            .build()
            .unwrap();
        Running { handle: worker.handle(), task: tokio::spawn(worker.run()) }
    }

    fn put(&self, from: usize, count: usize) {
        for n in from..from + count {
            self.stream.put(&format!("key-{n}"), n.to_string()).unwrap();
        }
    }

    async fn wait_for(&self, what: &str, mut done: impl FnMut() -> bool) {
        let wait = async {
            while !done() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, wait).await.is_ok(), "not reached: {what}");
    }

    async fn all_read(&self, count: usize) {
        let read = Arc::clone(&self.read);
        let distinct = move || read.lock().unwrap().iter().cloned().collect::<BTreeSet<_>>().len();
        self.wait_for("everything is read", || distinct() == count).await;
    }

    /// Who holds what, under which epoch.
    async fn holders(&self) -> BTreeSet<(LeaseKey, Option<SessionId>, Epoch)> {
        let leases = self.store().all_leases().await.unwrap();
        leases.into_iter().map(|lease| (lease.key, lease.owner, lease.epoch)).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_shares_its_shards_as_workers_come_go_and_die() {
    let bench = Bench::new(6);
    let (a, b) = (bench.start("a"), bench.start("b"));
    bench.wait_for("two share", || (a.leases(), b.leases()) == (3, 3)).await;
    bench.put(0, 60);
    let c = bench.start("c");
    bench.wait_for("three share", || [&a, &b, &c].iter().all(|worker| worker.leases() == 2)).await;
    bench.put(60, 60);
    b.stop().await;
    bench.wait_for("two are left", || (a.leases(), c.leases()) == (3, 3)).await;
    // Its runtime goes on: the dropped future ends the session with one write.
    c.task.abort();
    bench.wait_for("one is left", || a.leases() == 6).await;
    bench.put(120, 60);
    bench.all_read(180).await;
    a.stop().await;
    let sessions = bench.store().all_sessions(kcl_core::store::Consistency::Strong).await.unwrap();
    assert!(sessions.iter().all(kcl_core::lease::Session::has_ended), "{sessions:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_moves_when_the_server_crashes_and_nobody_died() {
    let mut bench = Bench::new(4);
    let (a, b) = (bench.start("a"), bench.start("b"));
    bench.wait_for("two share", || (a.leases(), b.leases()) == (2, 2)).await;
    bench.put(0, 40);
    bench.all_read(40).await;
    let before = bench.holders().await;
    let timeout = short_settings().coordination.session_timeout;

    bench.server.crash().unwrap();
    tokio::time::sleep(timeout * 2).await;
    assert!(!a.handle.status().valid && !b.handle.status().valid, "nothing is dispatched");
    bench.server.go_on().unwrap();
    bench.wait_for("all live", || a.handle.status().valid && b.handle.status().valid).await;
    bench.put(40, 40);
    bench.all_read(80).await;
    tokio::time::sleep(timeout * 2).await;
    assert_eq!(bench.holders().await, before);
    for worker in [a, b] {
        worker.stop().await;
    }
}
