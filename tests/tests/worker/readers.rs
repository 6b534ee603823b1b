//! What a worker does with its source before the first reader, and with readers after the last
//! read.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use kcl_core::{
    processor::{LeaseHandle, ProcessorError, RecordBatch},
    settings::{ProgressMode, Settings},
    store::StoreErrorKind,
    stream::{
        ByteLimit, ReadEvent, Shard, ShardId, ShardReader, SourceErrorKind, SourceResult, StartAt,
        StreamDescription, StreamKey, StreamSource,
    },
    worker::{Worker, WorkerError},
};
use kcl_memory::{
    Faulty, MemoryStream,
    faults::{Call, Fate, Outcome},
    stream::{StreamCall, StreamOp},
};

use super::bench::{Bench, Running, virtually};

/// A stream that is watched, and whose readers fare as they are told.
#[derive(Clone, Debug)]
struct Watched {
    stream: MemoryStream,
    /// The most readers that were there at one moment.
    most: Arc<Mutex<u64>>,
    /// Closing never ends.
    closes_for_ever: Arc<AtomicBool>,
    /// The next call panics.
    reads_panic: Arc<AtomicBool>,
    closes_panic: Arc<AtomicBool>,
}

#[derive(Debug)]
struct WatchedReader(Watched, Box<dyn ShardReader>);

impl Watched {
    fn new(stream: &MemoryStream) -> Self {
        Self {
            stream: stream.clone(),
            most: Arc::default(),
            closes_for_ever: Arc::default(),
            reads_panic: Arc::default(),
            closes_panic: Arc::default(),
        }
    }

    /// How many readers were opened, closed, and dropped without that.
    fn counts(&self) -> [u64; 3] {
        let counts = self.stream.readers();
        [counts.opened, counts.closed, counts.dropped]
    }

    fn start(&self, bench: &Bench, name: &str) -> Running {
        let store = bench.server.store("test");
        let log = bench.log.clone();
        let builder = Worker::builder(self.clone(), store)
            .worker_id(name.parse().unwrap())
            .env(bench.env.clone());
        let each = move |batch: RecordBatch| {
            let log = log.clone();
            async move {
                log.note(&batch);
                Ok::<(), ProcessorError>(())
            }
        };
        Running::start(builder.for_each_batch(each).build().unwrap())
    }
}

#[async_trait]
impl StreamSource for Watched {
    async fn describe(&self) -> SourceResult<StreamDescription> {
        self.stream.describe().await
    }

    async fn shards(&self) -> SourceResult<Vec<Shard>> {
        self.stream.shards().await
    }

    async fn open(
        &self,
        stream: &StreamKey,
        shard: &ShardId,
        at: StartAt,
    ) -> SourceResult<Box<dyn ShardReader>> {
        let reader = self.stream.open(stream, shard, at).await?;
        let mut most = self.most.lock().unwrap();
        *most = (*most).max(self.stream.readers().open());
        Ok(Box::new(WatchedReader(self.clone(), reader)))
    }
}

#[async_trait]
impl ShardReader for WatchedReader {
    fn size_hint(&self) -> ByteLimit {
        self.1.size_hint()
    }

    async fn ready(&mut self) {
        self.1.ready().await;
    }

    async fn next(&mut self, room: ByteLimit) -> SourceResult<ReadEvent> {
        assert!(!self.0.reads_panic.swap(false, Ordering::SeqCst), "a defect of the source");
        self.1.next(room).await
    }

    async fn close(self: Box<Self>) {
        assert!(!self.0.closes_panic.swap(false, Ordering::SeqCst), "a defect of the source");
        if self.0.closes_for_ever.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        self.1.close().await;
    }
}

#[test]
fn a_worker_that_leaves_closes_its_readers() {
    virtually(|env| async move {
        let bench = Bench::new(env, 3);
        bench.put(0, 30);
        let source = Watched::new(&bench.stream);
        let worker = source.start(&bench, "a");
        bench.wait_for("thirty", || bench.log.len() == 30).await;
        assert_eq!(source.counts(), [3, 0, 0]);
        worker.stop().await.unwrap();
        assert_eq!(source.counts(), [3, 3, 0]);
    });
}

#[test]
fn a_reader_is_closed_before_another_worker_opens_its_own() {
    virtually(|env| async move {
        let bench = Bench::new(env, 6);
        let source = Watched::new(&bench.stream);
        let first = source.start(&bench, "a");
        bench.wait_for("all", || source.counts() == [6, 0, 0]).await;
        let second = source.start(&bench, "b");
        bench.wait_for("three each", || [first.leases(), second.leases()] == [3, 3]).await;
        bench.wait_for("all again", || source.counts() == [9, 3, 0]).await;
        assert_eq!(*source.most.lock().unwrap(), 6);
        first.stop().await.unwrap();
        second.stop().await.unwrap();
        let [opened, closed, dropped] = source.counts();
        assert_eq!((opened, dropped), (closed, 0));
        assert_eq!(*source.most.lock().unwrap(), 6);
    });
}

#[test]
fn the_reader_of_a_shard_that_has_ended_is_closed() {
    virtually(|env| async move {
        let bench = Bench::new(env, 1);
        let source = Watched::new(&bench.stream);
        let worker = source.start(&bench, "a");
        let shard = bench.shards().await.remove(0);
        bench.put(0, 5);
        bench.stream.split(&shard).unwrap();
        bench.put(5, 5);
        bench.wait_for("ten", || bench.log.len() == 10).await;
        assert_eq!(source.counts(), [3, 1, 0]);
        worker.stop().await.unwrap();
        assert_eq!(source.counts(), [3, 3, 0]);
    });
}

/// The worker cannot reach the store, and the others take what it held.
#[test]
fn the_reader_of_a_lease_that_was_lost_is_closed() {
    virtually(|env| async move {
        let bench = Bench::new(env, 1);
        let (source, other) = (Watched::new(&bench.stream), Watched::new(&bench.stream));
        let cut = Arc::new(AtomicBool::new(false));
        let is_cut = Arc::clone(&cut);
        let policy = move |_: &Call| match is_cut.load(Ordering::SeqCst) {
            true => Fate::of(Outcome::Refused(StoreErrorKind::Unavailable)),
            false => Fate::CALM,
        };
        let store = Arc::new(bench.server.store("test"));
        let store = Faulty::new(store, bench.env.clone(), Arc::new(policy));
        let worker = Worker::builder(source.clone(), store)
            .worker_id("a".parse().unwrap())
            .env(bench.env.clone())
            .for_each_batch(|_| async { Ok(()) });
        let worker = Running::start(worker.build().unwrap());
        bench.wait_for("a reader", || source.counts() == [1, 0, 0]).await;
        cut.store(true, Ordering::SeqCst);
        let heir = other.start(&bench, "b");
        bench.wait_for("the heir's", || source.counts() == [2, 0, 0]).await;
        cut.store(false, Ordering::SeqCst);
        bench.wait_for("that it is closed", || source.counts() == [2, 1, 0]).await;
        heir.stop().await.unwrap();
        worker.stop().await.unwrap();
        let [opened, closed, dropped] = source.counts();
        assert_eq!((opened, dropped), (closed, 0));
    });
}

#[test]
fn a_reader_that_fails_is_kept_and_closed_in_the_end() {
    virtually(|env| async move {
        let bench = Bench::new(env, 1);
        let source = Watched::new(&bench.stream);
        let failures = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&failures);
        bench.stream.fail(Arc::new(move |call: &StreamCall| {
            let fails = call.op == StreamOp::Read && count.fetch_add(1, Ordering::SeqCst) < 5;
            fails.then_some(SourceErrorKind::Throttled)
        }));
        bench.put(0, 5);
        let worker = source.start(&bench, "a");
        bench.wait_for("five", || bench.log.len() == 5).await;
        assert_eq!(source.counts(), [1, 0, 0]);
        worker.stop().await.unwrap();
        assert_eq!(source.counts(), [1, 1, 0]);
    });
}

#[test]
fn reading_that_starts_over_closes_the_former_reader_first() {
    virtually(|env| async move {
        let bench = Bench::new(env, 1);
        bench.put(0, 5);
        let source = Watched::new(&bench.stream);
        let mut settings = Settings::default();
        settings.delivery.progress = ProgressMode::Manual;
        let (panics, log) = (Arc::new(AtomicU32::new(0)), bench.log.clone());
        let each = move |batch: RecordBatch| {
            let (panics, log) = (Arc::clone(&panics), log.clone());
            async move {
                assert!(panics.fetch_add(1, Ordering::SeqCst) > 2, "a defect of the processor");
                log.note(&batch);
                Ok::<(), ProcessorError>(())
            }
        };
        let worker = Worker::builder(source.clone(), bench.server.store("test"))
            .worker_id("a".parse().unwrap())
            .env(bench.env.clone())
            .settings(settings)
            .for_each_batch(each);
        let worker = Running::start(worker.build().unwrap());
        bench.wait_for("five", || bench.log.len() == 5).await;
        assert_eq!((source.counts(), *source.most.lock().unwrap()), ([4, 3, 0], 1));
        worker.stop().await.unwrap();
        assert_eq!(source.counts(), [4, 4, 0]);
    });
}

/// What a panic left behind is not trusted: neither a reader, nor a processor that cannot be made.
#[test]
fn a_panic_leaves_no_reader_behind() {
    virtually(|env| async move {
        let bench = Bench::new(env, 1);
        let source = Watched::new(&bench.stream);
        source.reads_panic.store(true, Ordering::SeqCst);
        bench.put(0, 5);
        let worker = source.start(&bench, "a");
        bench.wait_for("five", || bench.log.len() == 5).await;
        assert_eq!(source.counts(), [2, 0, 1], "the first panicked");
        source.closes_panic.store(true, Ordering::SeqCst);
        worker.stop().await.unwrap();
        assert_eq!(source.counts(), [2, 0, 2], "the second did so when it was closed");
    });
    virtually(|env| async move {
        let bench = Bench::new(env, 1);
        let source = Watched::new(&bench.stream);
        bench.put(0, 5);
        let (made, store) = (Arc::new(AtomicU32::new(0)), bench.server.store("test"));
        let factory = move |_: &LeaseHandle| {
            // The second is made when the first has panicked.
            assert!(made.fetch_add(1, Ordering::SeqCst) != 1, "a defect of the factory");
            Panics
        };
        let worker = Worker::builder(source.clone(), store)
            .worker_id("a".parse().unwrap())
            .env(bench.env.clone())
            .processor(factory);
        let worker = Running::start(worker.build().unwrap());
        bench.wait_for("the next run", || source.counts()[..2] == [2, 1]).await;
        worker.stop().await.unwrap();
        assert_eq!(source.counts(), [2, 2, 0]);
    });
}

struct Panics;

#[async_trait]
impl kcl_core::processor::RecordProcessor for Panics {
    async fn process(&mut self, _: RecordBatch, _: &LeaseHandle) -> Result<(), ProcessorError> {
        unreachable!("a defect of the processor")
    }
}

#[test]
fn a_reader_that_does_not_close_holds_a_release_for_half_a_second_at_most() {
    let took = [false, true].map(|for_ever| {
        virtually(|env| async move {
            let bench = Bench::new(env, 2);
            let source = Watched::new(&bench.stream);
            source.closes_for_ever.store(for_ever, Ordering::SeqCst);
            let worker = source.start(&bench, "a");
            bench.wait_for("two", || source.counts() == [2, 0, 0]).await;
            let begun = bench.env.clock.now();
            worker.stop().await.unwrap();
            assert_eq!(source.counts(), if for_ever { [2, 0, 2] } else { [2, 2, 0] });
            bench.env.clock.now().since(begun)
        })
    });
    let longer = took[1].saturating_sub(took[0]);
    assert!(longer <= Duration::from_millis(600), "virtual time, so no noise: {longer:?}");
}

#[test]
fn readers_are_closed_also_when_the_future_of_the_worker_is_dropped() {
    virtually(|env| async move {
        let bench = Bench::new(env, 2);
        let source = Watched::new(&bench.stream);
        let worker = source.start(&bench, "a");
        bench.wait_for("two", || source.counts() == [2, 0, 0]).await;
        worker.task.abort();
        bench.wait_for("that they are closed", || source.counts() == [2, 2, 0]).await;
    });
}

#[test]
fn the_source_is_prepared_once_before_the_first_reader_and_what_may_pass_is_waited_out() {
    virtually(|env| async move {
        let bench = Bench::new(env, 2);
        bench.put(0, 10);
        let asked = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&asked);
        bench.stream.fail(Arc::new(move |call: &StreamCall| {
            if call.op != StreamOp::Prepare {
                return None;
            }
            let kinds = [SourceErrorKind::Throttled, SourceErrorKind::Unavailable];
            let asked = count.fetch_add(1, Ordering::SeqCst) as usize;
            kinds.get(asked).copied()
        }));
        let worker = bench.start("a");
        bench.sleep(100).await;
        assert_eq!((asked.load(Ordering::SeqCst), bench.stream.readers().opened), (1, 0));
        bench.wait_for("ten", || bench.log.len() == 10).await;
        bench.sleep(30_000).await;
        assert_eq!(asked.load(Ordering::SeqCst), 3);
        worker.stop().await.unwrap();
    });
}

#[test]
fn a_source_that_somebody_has_to_mend_ends_the_worker_with_its_words() {
    virtually(|env| async move {
        let bench = Bench::new(env, 1);
        let denied =
            |call: &StreamCall| (call.op == StreamOp::Prepare).then_some(SourceErrorKind::Denied);
        bench.stream.fail(Arc::new(denied));
        let refused = bench.worker("a", Settings::default()).run().await.unwrap_err();
        let WorkerError::Source(source) = refused else { panic!("{refused}") };
        let said = source.to_string();
        assert!(said.contains("Prepare of orders") && said.contains("check credentials"), "{said}");
    });
}

#[test]
fn who_waits_for_its_source_leaves_when_it_is_told_to() {
    virtually(|env| async move {
        let bench = Bench::new(env, 1);
        let never = |call: &StreamCall| {
            (call.op == StreamOp::Prepare).then_some(SourceErrorKind::Unavailable)
        };
        bench.stream.fail(Arc::new(never));
        let worker = bench.start("a");
        bench.sleep(20_000).await;
        worker.stop().await.unwrap();
        assert_eq!(bench.stream.readers().opened, 0);
    });
}
