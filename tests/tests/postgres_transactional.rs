//! Effects and checkpoints that commit together: exactly once, whoever dies when.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]
#![expect(clippy::disallowed_methods, reason = "real servers, so real time")]

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use kcl_core::{
    env::{Env, Rng},
    processor::{CheckpointError, LeaseHandle, ProcessorError, ProcessorFactory, RecordBatch},
    settings::{OnFailure, ProgressMode, Settings},
    store::StoreErrorKind,
    stream::{ShardId, StreamSource},
    worker::{Worker, WorkerError, WorkerEvent, WorkerHandle},
};
use kcl_memory::{
    Faulty, MemoryStream,
    faults::{Call, Fate, Outcome},
    stream::StreamOptions,
};
use kcl_postgres::{PostgresStore, TxProcessor, transactional};
use kcl_tests::{
    postgres::{run, short_settings, superuser},
    servers::Postgres,
};
use sqlx::{AssertSqlSafe, PgConnection, Row, postgres::PgConnectOptions};
use tokio::sync::Semaphore;

/// How long a test waits for what has to happen.
const PATIENCE: Duration = Duration::from_secs(90);

fn settings() -> Settings {
    let mut settings = short_settings();
    settings.delivery.progress = ProgressMode::Transactional;
    settings.delivery.max_batch = 7;
    settings.delivery.retry_pause_max = Duration::from_millis(400);
    settings
}

fn stream(shards: u32) -> MemoryStream {
    let mut options = StreamOptions::new("words");
    options.shards = shards;
    options.poll_interval = Duration::from_millis(20);
    options.latency = Duration::from_millis(2);
    MemoryStream::with(options)
}

/// Counts words into a table.
struct CountWords;

#[async_trait]
impl TxProcessor for CountWords {
    async fn process(
        &mut self,
        batch: RecordBatch,
        effects: &mut PgConnection,
        _lease: &LeaseHandle,
    ) -> Result<(), ProcessorError> {
        for record in &batch {
            count(&mut *effects, std::str::from_utf8(&record.data)?).await?;
        }
        Ok(())
    }
}

/// Longer than a session lasts.
const LONG_BATCH: Duration = Duration::from_millis(3_000);

/// Counts words, and waits before that at every third batch.
struct Dawdling(Arc<AtomicU64>);

#[async_trait]
impl TxProcessor for Dawdling {
    async fn process(
        &mut self,
        batch: RecordBatch,
        effects: &mut PgConnection,
        lease: &LeaseHandle,
    ) -> Result<(), ProcessorError> {
        if self.0.fetch_add(1, Ordering::Relaxed) % 3 == 2 {
            tokio::time::sleep(LONG_BATCH).await;
        }
        CountWords.process(batch, effects, lease).await
    }
}

async fn count(effects: &mut PgConnection, word: &str) -> sqlx::Result<()> {
    const COUNT: &str = "insert into words values ($1, 1) \
        on conflict (word) do update set n = words.n + 1";
    sqlx::query(COUNT).bind(word).execute(effects).await.map(drop)
}

async fn counted(admin: &mut PgConnection) -> BTreeMap<String, i64> {
    let rows = sqlx::query("select word, n from words").fetch_all(admin).await.unwrap();
    rows.iter().map(|row| (row.get("word"), row.get("n"))).collect()
}

async fn words_table(server: &Postgres) -> PgConnection {
    let mut admin = superuser(server).await;
    run(&mut admin, "create table words (word text primary key, n bigint not null)").await;
    admin
}

/// A worker that can be killed: whatever it still sends to its lease store is lost.
struct Mortal {
    dead: Arc<AtomicBool>,
    handle: WorkerHandle,
    task: tokio::task::JoinHandle<Result<(), WorkerError>>,
}

impl Mortal {
    fn start(
        stream: &MemoryStream,
        name: &str,
        store: PostgresStore,
        settings: Settings,
        processor: impl ProcessorFactory,
    ) -> Self {
        let dead = Arc::new(AtomicBool::new(false));
        let grave = Arc::clone(&dead);
        let policy = Arc::new(move |_: &Call| {
            let lost = Outcome::Refused(StoreErrorKind::Unavailable);
            if grave.load(Ordering::Relaxed) { Fate::of(lost) } else { Fate::CALM }
        });
        let store = Faulty::new(Arc::new(store), Env::system(), policy);
        let worker = Worker::builder(stream.clone(), store)
            .worker_id(name.parse().unwrap())
            .settings(settings)
            .processor(processor)
            .build()
            .unwrap();
        Self { dead, handle: worker.handle(), task: tokio::spawn(worker.run()) }
    }

    /// One that counts words, whose batches run on past their session and are long now and then.
    fn counting(stream: &MemoryStream, name: &str, server: &Postgres) -> Self {
        let store = PostgresStore::new("words", &server.url()).unwrap();
        let batches = Arc::new(AtomicU64::new(0));
        let make = move |_: &LeaseHandle| Dawdling(Arc::clone(&batches));
        let processor = transactional(&store, make);
        let mut running_on = settings();
        running_on.delivery.finish_batch = true;
        Self::start(stream, name, store, running_on, processor)
    }

    /// Cuts it off from its lease store: what it is doing it goes on with.
    fn cut_off(&self) {
        self.dead.store(true, Ordering::Relaxed);
    }

    fn kill(self) {
        self.cut_off();
        self.task.abort();
    }

    async fn stop(self) {
        self.handle.shut_down();
        self.task.await.unwrap().unwrap();
    }
}

/// Puts words, and keeps the true counts.
#[derive(Default)]
struct Author {
    written: u64,
    counts: BTreeMap<String, i64>,
}

impl Author {
    fn write(&mut self, stream: &MemoryStream, words: u64) {
        for _ in 0..words {
            let word = format!("word-{}", self.written % 17);
            stream.put(&format!("key-{}", self.written), word.clone()).unwrap();
            *self.counts.entry(word).or_default() += 1;
            self.written += 1;
        }
    }

    async fn all_counted(&self, admin: &mut PgConnection) {
        let wait = async {
            while counted(&mut *admin).await.values().sum::<i64>() < self.counts.values().sum() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let arrived = tokio::time::timeout(PATIENCE, wait).await;
        assert_eq!(counted(admin).await, self.counts, "{arrived:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_are_counted_exactly_once_while_workers_and_connections_die() {
    const DEATHS: u64 = 16;
    let server = Postgres::start().unwrap();
    let mut admin = words_table(&server).await;
    let stream = stream(4);
    let (mut author, mut rng) = (Author::default(), Rng::new(7));
    let mut ghosts = Vec::new();
    let mut workers: Vec<Mortal> =
        (0..3).map(|n| Mortal::counting(&stream, &format!("first-{n}"), &server)).collect();
    for death in 0..DEATHS {
        author.write(&stream, 40);
        if death == 6 {
            let shard: ShardId = stream.shards().await.unwrap().remove(0).id;
            stream.split(&shard).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(200 + rng.below(1_300))).await;
        let fate = rng.below(4);
        if fate < 2 {
            let at = usize::try_from(rng.below(3)).unwrap();
            let next = Mortal::counting(&stream, &format!("next-{death}"), &server);
            let gone = std::mem::replace(&mut workers[at], next);
            if fate == 0 {
                gone.kill();
            } else {
                let events = gone.handle.events();
                gone.cut_off();
                ghosts.push((gone, events));
            }
        } else {
            // Connections of processors, wherever in their transactions they are.
            let one = "select pg_terminate_backend(pid) from pg_stat_activity \
                where pid <> pg_backend_pid() and query like '%words%' order by random() limit 2";
            run(&mut admin, one).await;
        }
    }
    author.all_counted(&mut admin).await;
    for worker in workers {
        worker.stop().await;
    }
    tokio::time::sleep(LONG_BATCH).await;
    assert_eq!(counted(&mut admin).await, author.counts, "and none twice afterwards");
    let mut refused = 0;
    for (ghost, mut events) in ghosts {
        ghost.kill();
        while let Ok(event) = events.try_recv() {
            let WorkerEvent::BatchFailed { error, .. } = event else { continue };
            refused += usize::from(error.contains("is not held by this worker"));
        }
    }
    assert!(refused > 0, "nobody came too late: this test shows less than it seems to");
}

/// One worker with `processor`, on a stream of one shard.
async fn one_worker(
    server: &Postgres,
    settings: Settings,
    options: Option<PgConnectOptions>,
    processor: impl TxProcessor + Clone + Sync,
) -> (MemoryStream, Mortal) {
    let stream = stream(1);
    let store = PostgresStore::new("words", &server.url()).unwrap();
    let mut made = transactional(&store, move |_: &LeaseHandle| processor.clone());
    if let Some(options) = options {
        made = made.connect_options(options);
    }
    (stream.clone(), Mortal::start(&stream, "one", store, settings, made))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_reply_is_lost_is_not_done_again() {
    let server = Postgres::start().unwrap();
    let mut admin = words_table(&server).await;
    // Only the processors' commits wait for a replica, which never comes.
    run(&mut admin, "alter system set synchronous_commit = local").await;
    run(&mut admin, "select pg_reload_conf(); create role effects login superuser").await;
    run(&mut admin, "alter role effects set synchronous_commit = on").await;
    let options = server.url_of("effects").parse().unwrap();
    let (stream, worker) = one_worker(&server, settings(), Some(options), CountOnce).await;
    let mut author = Author::default();
    author.write(&stream, 5);
    author.all_counted(&mut admin).await;

    run(&mut admin, "alter system set synchronous_standby_names = 'nobody'").await;
    run(&mut admin, "select pg_reload_conf()").await;
    let waiting = "select pg_terminate_backend(pid) from pg_stat_activity \
        where wait_event = 'SyncRep' and query ilike 'commit%'";
    let killed = async {
        // Commits wait from whenever the server has read its settings again.
        while sqlx::query(waiting).fetch_all(&mut admin).await.unwrap().is_empty() {
            author.write(&stream, 1);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, killed).await.unwrap();
    run(&mut admin, "alter system set synchronous_standby_names = ''").await;
    run(&mut admin, "select pg_reload_conf()").await;
    author.write(&stream, 5);
    author.all_counted(&mut admin).await;
    worker.stop().await;
    assert_eq!(counted(&mut admin).await, author.counts);
}

#[derive(Clone)]
struct CountOnce;

#[async_trait]
impl TxProcessor for CountOnce {
    async fn process(
        &mut self,
        batch: RecordBatch,
        effects: &mut PgConnection,
        lease: &LeaseHandle,
    ) -> Result<(), ProcessorError> {
        // Any other checkpoint would part effects from progress.
        let at = batch.last_position().ok_or("an empty batch")?;
        let refused = lease.checkpoint_at(at).await;
        assert!(matches!(refused, Err(CheckpointError::Transactional(_))), "{refused:?}");
        CountWords.process(batch, effects, lease).await
    }
}

/// Counts, and then fails in some way at the first attempts.
#[derive(Clone)]
struct Failing {
    how: &'static str,
    calls: Arc<AtomicU64>,
    attempts: u64,
}

#[async_trait]
#[expect(clippy::panic, reason = "what happens then is what is tested")]
impl TxProcessor for Failing {
    async fn process(
        &mut self,
        batch: RecordBatch,
        effects: &mut PgConnection,
        lease: &LeaseHandle,
    ) -> Result<(), ProcessorError> {
        CountWords.process(batch, &mut *effects, lease).await?;
        if self.calls.fetch_add(1, Ordering::Relaxed) >= self.attempts {
            return Ok(());
        }
        match self.how {
            "error" => Err("no".into()),
            "panic" => panic!("no"),
            sql => {
                // A mistake that goes unnoticed.
                drop(sqlx::raw_sql(AssertSqlSafe(sql)).execute(effects).await);
                Ok(())
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_fails_leaves_nothing_behind() {
    for how in ["error", "panic", "select 1 / 0"] {
        let server = Postgres::start().unwrap();
        let mut admin = words_table(&server).await;
        let calls = Arc::new(AtomicU64::new(0));
        let failing = Failing { how, calls: Arc::clone(&calls), attempts: 3 };
        let (stream, worker) = one_worker(&server, settings(), None, failing).await;
        let mut author = Author::default();
        author.write(&stream, 5);
        author.all_counted(&mut admin).await;
        worker.stop().await;
        assert_eq!(counted(&mut admin).await, author.counts, "{how}");
        assert!(calls.load(Ordering::Relaxed) > 3, "{how}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_processor_that_ends_its_transaction_itself_is_not_called_again() {
    let server = Postgres::start().unwrap();
    let mut admin = words_table(&server).await;
    let calls = Arc::new(AtomicU64::new(0));
    let how = "commit; begin";
    let failing = Failing { how, calls: Arc::clone(&calls), attempts: u64::MAX };
    let mut stopping = settings();
    stopping.delivery.on_failure = OnFailure::StopShard { attempts: 4 };
    let (stream, worker) = one_worker(&server, stopping, None, failing).await;
    let mut events = worker.handle.events();
    Author::default().write(&stream, 1);
    let said = async {
        loop {
            let event = events.recv().await.unwrap();
            if let WorkerEvent::ShardStopped { reason, .. } = event {
                return reason;
            }
        }
    };
    let reason = tokio::time::timeout(PATIENCE, said).await.unwrap();
    assert!(reason.contains("ended its transaction itself"), "{reason}");
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    let row = sqlx::query("select kind from kcl.lease where key not like '@%'");
    let kind: String = row.fetch_one(&mut admin).await.unwrap().get(0);
    assert_eq!(kind, "TRIM_HORIZON", "nothing counts as processed");
    worker.stop().await;
}

/// Waits to be let through, and then counts.
#[derive(Clone)]
struct Paused(Arc<Semaphore>);

#[async_trait]
impl TxProcessor for Paused {
    async fn process(
        &mut self,
        batch: RecordBatch,
        effects: &mut PgConnection,
        lease: &LeaseHandle,
    ) -> Result<(), ProcessorError> {
        let _let_through = self.0.acquire().await?;
        CountWords.process(batch, effects, lease).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_was_paused_beyond_its_session_commits_nothing() {
    let server = Postgres::start().unwrap();
    let mut admin = words_table(&server).await;
    // A batch that runs on past its session: what a pause of the whole process looks like.
    let mut running_on = settings();
    running_on.delivery.finish_batch = true;
    let gate = Arc::new(Semaphore::new(0));
    let (stream, paused) = one_worker(&server, running_on, None, Paused(Arc::clone(&gate))).await;
    let mut events = paused.handle.events();
    let mut author = Author::default();
    author.write(&stream, 5);
    let gained =
        async { while !matches!(events.recv().await.unwrap(), WorkerEvent::LeaseGained { .. }) {} };
    tokio::time::timeout(PATIENCE, gained).await.unwrap();
    paused.cut_off();

    let successor = Mortal::counting(&stream, "two", &server);
    author.all_counted(&mut admin).await;
    gate.add_permits(1);
    let refused = async {
        loop {
            if let WorkerEvent::BatchFailed { error, .. } = events.recv().await.unwrap() {
                return error;
            }
        }
    };
    let error = tokio::time::timeout(PATIENCE, refused).await.unwrap();
    assert!(error.contains("is not held by this worker"), "{error}");
    assert_eq!(counted(&mut admin).await, author.counts);
    author.write(&stream, 5);
    author.all_counted(&mut admin).await;
    paused.kill();
    successor.stop().await;
}

#[test]
fn background_checkpoints_are_refused_beside_those_with_effects() {
    let store = || PostgresStore::new("words", "postgres://postgres@localhost/words").unwrap();
    let build = |mode: ProgressMode| {
        let store = store();
        let processor = transactional(&store, |_: &LeaseHandle| CountWords);
        let mut settings = Settings::default();
        settings.delivery.progress = mode;
        Worker::builder(stream(1), store).settings(settings).processor(processor).build()
    };
    assert!(build(ProgressMode::Transactional).is_ok());
    for mode in [ProgressMode::Automatic, ProgressMode::Manual] {
        let refused = build(mode).unwrap_err();
        let why = std::error::Error::source(&refused).unwrap().to_string();
        assert!(why.contains("use transactional"), "{why}");
    }
}
