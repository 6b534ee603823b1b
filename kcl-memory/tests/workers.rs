//! Whole workers on a paused clock: what reaches a processor, and what its handle is good for.

#![allow(clippy::unwrap_used, reason = "what goes wrong fails the test")]

use std::{
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use kcl_core::{
    env::Env,
    processor::{LeaseHandle, ProcessorError, RecordBatch, RecordProcessor, Stop},
    store::{LeaseStoreExt, StoreErrorKind},
    stream::{Position, StreamSource},
    worker::Worker,
};
use kcl_memory::{
    Faulty,
    faults::{Fate, Outcome},
};

use crate::bench::{self, Bench};

/// A stream, a store that can be cut off, and what the processors did.
struct Stage {
    bench: Bench,
    log: Log,
}

/// What the processors did, and how they are to behave.
#[derive(Clone, Default)]
struct Log {
    processed: Arc<Mutex<Vec<String>>>,
    handles: Arc<Mutex<Vec<(LeaseHandle, Position)>>>,
    /// The store answers nobody.
    cut: Arc<AtomicBool>,
    /// The next batch fails.
    fails: Arc<AtomicBool>,
    /// The next batch takes half a minute.
    dawdles: Arc<AtomicBool>,
    /// The processor does not acknowledge the end of its shard.
    holds_on: Arc<AtomicBool>,
}

struct Processor(Log, Env);

#[async_trait]
impl RecordProcessor for Processor {
    async fn process(
        &mut self,
        batch: RecordBatch,
        lease: &LeaseHandle,
    ) -> Result<(), ProcessorError> {
        if let Some(last) = batch.last() {
            self.0.handles.lock().unwrap().push((lease.clone(), last.position.clone()));
        }
        if self.0.dawdles.swap(false, Ordering::SeqCst) {
            self.1.clock.sleep(Duration::from_secs(30)).await;
        }
        if self.0.fails.swap(false, Ordering::SeqCst) {
            return Err("not yet".into());
        }
        let texts = batch.iter().map(|record| String::from_utf8_lossy(&record.data).into_owned());
        self.0.processed.lock().unwrap().extend(texts);
        Ok(())
    }

    async fn stop(&mut self, why: Stop, _: &LeaseHandle) -> Result<(), ProcessorError> {
        let holds_on = self.0.holds_on.load(Ordering::SeqCst);
        if why == Stop::ShardEnd && holds_on { Err("not yet".into()) } else { Ok(()) }
    }
}

/// Runs a test on virtual time.
fn virtually<F: Future<Output = ()>>(shards: u32, test: impl FnOnce(Stage) -> F) {
    bench::virtually(shards, |bench| test(Stage { bench, log: Log::default() }));
}

impl Stage {
    /// Starts a worker, which leaves when the future is told to.
    fn start(&self, name: &str) -> kcl_core::worker::WorkerHandle {
        let bench = &self.bench;
        let cut = Arc::clone(&self.log.cut);
        let policy = Arc::new(move |_: &kcl_memory::faults::Call| {
            let is_cut = cut.load(Ordering::SeqCst);
            if is_cut {
                Fate::of(Outcome::Refused(StoreErrorKind::Unavailable))
            } else {
                Fate::CALM
            }
        });
        let store = Faulty::new(Arc::new(bench.server.store("test")), bench.env.clone(), policy);
        let (log, env) = (self.log.clone(), bench.env.clone());
        let worker = Worker::builder(bench.stream.clone(), store)
            .worker_id(name.parse().unwrap())
            .env(bench.env.clone())
            .processor(move |_: &LeaseHandle| Processor(log.clone(), env.clone()))
            .build()
            .unwrap();
        bench::run(worker)
    }

    fn processed(&self) -> Vec<String> {
        self.log.processed.lock().unwrap().clone()
    }
}

fn numbers(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}

#[test]
pub(crate) fn a_batch_dropped_at_the_deadline_comes_again() {
    virtually(1, |stage| async move {
        stage.start("a");
        stage.bench.sleep(5).await;
        stage.log.dawdles.store(true, Ordering::SeqCst);
        stage.bench.put(0..5);
        stage.bench.sleep(2).await;
        stage.log.cut.store(true, Ordering::SeqCst);
        stage.bench.sleep(8).await;
        stage.log.cut.store(false, Ordering::SeqCst);
        stage.bench.put(5..10);
        stage.bench.sleep(20).await;
        assert_eq!(stage.processed(), numbers(0..10));
    });
}

#[test]
pub(crate) fn a_batch_that_failed_comes_again() {
    virtually(1, |stage| async move {
        stage.log.fails.store(true, Ordering::SeqCst);
        stage.bench.put(0..5);
        stage.start("a");
        stage.bench.sleep(20).await;
        assert_eq!(stage.processed(), numbers(0..5));
    });
}

#[test]
pub(crate) fn the_end_waits_for_the_processor() {
    virtually(1, |stage| async move {
        stage.log.holds_on.store(true, Ordering::SeqCst);
        stage.start("a");
        stage.bench.put(0..5);
        let shard = stage.bench.stream.shards().await.unwrap().remove(0).id;
        stage.bench.stream.split(&shard).unwrap();
        stage.bench.sleep(20).await;
        let ended = || async {
            let rows = stage.bench.server.store("test").all_leases().await.unwrap();
            rows.iter().filter(|row| row.has_ended()).count()
        };
        assert_eq!(ended().await, 0, "the processor has not acknowledged the end");
        stage.log.holds_on.store(false, Ordering::SeqCst);
        stage.bench.sleep(60).await;
        assert_eq!(ended().await, 1);
    });
}

/// Whether a handle that was kept says that it is good for nothing any more.
async fn refuses(stage: &Stage, handle: &LeaseHandle, at: &Position) -> bool {
    let patience = stage.bench.env.clock.sleep(Duration::from_secs(10));
    tokio::select! {
        result = handle.checkpoint_at(at) => result.is_err() && !handle.is_held(),
        () = patience => false,
    }
}

#[test]
pub(crate) fn a_handle_refuses_after_its_worker_has_left() {
    virtually(1, |stage| async move {
        stage.bench.put(0..5);
        let worker = stage.start("a");
        stage.bench.sleep(5).await;
        let (handle, at) = stage.log.handles.lock().unwrap().remove(0);
        worker.shut_down();
        stage.bench.sleep(10).await;
        assert!(refuses(&stage, &handle, &at).await);
    });
}

#[test]
pub(crate) fn a_handle_refuses_after_its_lease_was_handed_over() {
    virtually(2, |stage| async move {
        stage.bench.put(0..20);
        stage.start("a");
        stage.bench.sleep(5).await;
        let kept = stage.log.handles.lock().unwrap().clone();
        assert_eq!(kept.len(), 2, "one for each shard");
        stage.start("b");
        stage.bench.sleep(10).await;
        let mut held = 0;
        for (handle, at) in &kept {
            held += usize::from(!refuses(&stage, handle, at).await);
        }
        assert_eq!(held, 1, "one lease was handed over");
    });
}
