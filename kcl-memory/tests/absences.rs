//! What is not there, or is not there yet, is no proof of anything.

#![allow(clippy::unwrap_used, reason = "what goes wrong fails the test")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use kcl_core::{
    processor::{LeaseHandle, ProcessorError, RecordBatch, RecordProcessor},
    stream::{
        Shard, ShardId, ShardReader, SourceError, SourceErrorKind, SourceResult, StartAt,
        StreamDescription, StreamKey, StreamSource,
    },
    worker::{Worker, WorkerEvent, WorkerHandle},
};
use kcl_memory::MemoryStream;

use crate::bench::{self, Bench};

/// What the service knows, and lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Knows {
    Everything,
    /// No shard that continues another.
    NoChildren,
    /// No shard that continues another, and nothing at all is listed.
    NoChildrenAndNoList,
    /// Only shards that continue others.
    ChildrenOnly,
    /// Not the shard with the first id.
    NotTheFirst,
}

/// A stream whose service does not know everything.
#[derive(Clone, Debug)]
struct Behind {
    stream: MemoryStream,
    knows: Arc<Mutex<Knows>>,
    /// The next so many calls of these kinds panic.
    opens_panic: Panics,
    lists_panic: Panics,
}

/// How often something is still to panic.
#[derive(Clone, Debug, Default)]
struct Panics(Arc<Mutex<u32>>);

impl Panics {
    fn set(&self, times: u32) {
        *self.0.lock().unwrap() = times;
    }

    fn left(&self) -> u32 {
        *self.0.lock().unwrap()
    }

    fn strike(&self) {
        let left = self.left();
        self.set(left.saturating_sub(1));
        assert_eq!(left, 0, "a defect of what the user gave");
    }
}

impl Behind {
    fn set(&self, knows: Knows) {
        *self.knows.lock().unwrap() = knows;
    }

    async fn known(&self) -> SourceResult<Vec<Shard>> {
        let all = self.stream.shards().await?;
        let first = all.iter().map(|shard| shard.id.clone()).min();
        let knows = *self.knows.lock().unwrap();
        let is_known = |shard: &Shard| match knows {
            Knows::Everything => true,
            Knows::NoChildren | Knows::NoChildrenAndNoList => shard.parents.is_empty(),
            Knows::ChildrenOnly => !shard.parents.is_empty(),
            Knows::NotTheFirst => Some(&shard.id) != first.as_ref(),
        };
        Ok(all.into_iter().filter(is_known).collect())
    }
}

#[async_trait]
impl StreamSource for Behind {
    async fn describe(&self) -> SourceResult<StreamDescription> {
        self.stream.describe().await
    }

    async fn shards(&self) -> SourceResult<Vec<Shard>> {
        self.lists_panic.strike();
        let lists = *self.knows.lock().unwrap() != Knows::NoChildrenAndNoList;
        if lists { self.known().await } else { Ok(Vec::new()) }
    }

    async fn open(
        &self,
        stream: &StreamKey,
        id: &ShardId,
        at: StartAt,
    ) -> SourceResult<Box<dyn ShardReader>> {
        self.opens_panic.strike();
        if self.known().await?.iter().any(|shard| shard.id == *id) {
            return self.stream.open(stream, id, at).await;
        }
        Err(SourceError::new(SourceErrorKind::NoShard, "GetShardIterator", id.as_str()))
    }
}

/// Notes the numbers that it is given.
struct Numbers(Arc<Mutex<Vec<u32>>>);

#[async_trait]
impl RecordProcessor for Numbers {
    async fn process(&mut self, batch: RecordBatch, _: &LeaseHandle) -> Result<(), ProcessorError> {
        let numbers = batch.iter().map(|record| String::from_utf8_lossy(&record.data).parse());
        self.0.lock().unwrap().extend(numbers.collect::<Result<Vec<u32>, _>>()?);
        Ok(())
    }
}

/// A worker on a stream whose service is behind, and what it delivered and told.
struct Stage {
    bench: Bench,
    source: Behind,
    /// How often a processor is still to panic when it is made.
    makes_panic: Panics,
    delivered: Arc<Mutex<Vec<u32>>>,
    lost: Arc<Mutex<usize>>,
}

impl Stage {
    fn new(bench: Bench) -> Self {
        let knows = Arc::new(Mutex::new(Knows::Everything));
        let (opens_panic, lists_panic) = Default::default();
        let source = Behind { stream: bench.stream.clone(), knows, opens_panic, lists_panic };
        let (makes_panic, delivered, lost) = Default::default();
        Self { bench, source, makes_panic, delivered, lost }
    }

    #[allow(clippy::disallowed_methods, reason = "a test may spawn")]
    fn start(&self) -> WorkerHandle {
        let store = self.bench.server.store("test");
        let (delivered, makes_panic) = (Arc::clone(&self.delivered), self.makes_panic.clone());
        let worker = Worker::builder(self.source.clone(), store)
            .worker_id("a".parse().unwrap())
            .env(self.bench.env.clone())
            .processor(move |_: &LeaseHandle| {
                makes_panic.strike();
                Numbers(Arc::clone(&delivered))
            })
            .build()
            .unwrap();
        let (mut events, lost) = (worker.handle().events(), Arc::clone(&self.lost));
        tokio::spawn(async move {
            while let Ok(event) = events.recv().await {
                if matches!(event, WorkerEvent::RecordsLost { .. }) {
                    *lost.lock().unwrap() += 1;
                }
            }
        });
        bench::run(worker)
    }

    /// Lets a worker make the leases, and leave.
    async fn make_leases(&self) {
        let worker = self.start();
        self.bench.sleep(5).await;
        worker.shut_down();
        self.bench.sleep(5).await;
    }

    /// Splits the only shard, with records before and after.
    async fn split(&self) {
        self.bench.put(0..5);
        let shard = self.bench.stream.shards().await.unwrap().remove(0).id;
        self.bench.stream.split(&shard).unwrap();
        self.bench.put(5..20);
    }

    fn delivered(&self) -> Vec<u32> {
        let mut delivered = self.delivered.lock().unwrap().clone();
        delivered.sort_unstable();
        delivered
    }

    fn lost(&self) -> usize {
        *self.lost.lock().unwrap()
    }
}

/// The shards that continue one are read although the service knows nothing of them for a while.
fn are_read_in_the_end(knows: Knows) {
    bench::virtually(1, |bench| async move {
        let stage = Stage::new(bench);
        stage.start();
        stage.bench.sleep(5).await;
        stage.source.set(knows);
        stage.split().await;
        stage.bench.sleep(12).await;
        stage.source.set(Knows::Everything);
        stage.bench.sleep(60).await;
        assert_eq!((stage.delivered(), stage.lost()), ((0..20).collect(), 0));
    });
}

#[test]
fn a_new_shard_that_neither_the_service_nor_its_list_knows_yet_is_not_gone() {
    are_read_in_the_end(Knows::NoChildren);
}

#[test]
fn a_shard_is_not_gone_because_nothing_is_listed() {
    are_read_in_the_end(Knows::NoChildrenAndNoList);
}

#[test]
fn a_shard_that_others_continue_is_forgotten_at_once_and_they_are_read() {
    bench::virtually(1, |bench| async move {
        let stage = Stage::new(bench);
        stage.make_leases().await;
        stage.split().await;
        stage.source.set(Knows::ChildrenOnly);
        stage.start();
        stage.bench.sleep(15).await;
        assert_eq!((stage.delivered(), stage.lost()), ((5..20).collect(), 1));
    });
}

#[test]
fn a_shard_counts_as_forgotten_once_the_stream_has_not_known_it_for_a_while() {
    bench::virtually(2, |bench| async move {
        let stage = Stage::new(bench);
        stage.make_leases().await;
        stage.source.set(Knows::NotTheFirst);
        stage.start();
        stage.bench.sleep(25).await;
        assert_eq!(stage.lost(), 0);
        stage.bench.sleep(35).await;
        assert_eq!(stage.lost(), 1);
    });
}

/// A shard is read although what the user gave panics, which ends a task that nobody waits for.
fn is_read_in_spite_of(panics: impl FnOnce(&Stage) -> Panics) {
    bench::virtually(1, |bench| async move {
        let stage = Stage::new(bench);
        let panics = panics(&stage);
        stage.bench.put(0..5);
        panics.set(2);
        stage.start();
        stage.bench.sleep(60).await;
        assert_eq!((stage.delivered(), panics.left()), ((0..5).collect(), 0));
    });
}

#[test]
fn a_run_is_not_taken_for_one_that_goes_on_when_its_processor_could_not_be_made() {
    is_read_in_spite_of(|stage| stage.makes_panic.clone());
}

#[test]
fn a_run_is_not_taken_for_one_that_goes_on_when_its_reader_is_gone() {
    is_read_in_spite_of(|stage| stage.source.opens_panic.clone());
}

#[test]
fn a_listing_that_ended_in_a_panic_is_not_waited_for() {
    is_read_in_spite_of(|stage| stage.source.lists_panic.clone());
}
