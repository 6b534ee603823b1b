//! Promises of the worker that the simulation once found broken, each by itself: on virtual time,
//! without faults but the one it is about.

#![allow(clippy::unwrap_used, reason = "what goes wrong here fails the test")]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use kcl_core::{
    processor::{CheckpointError, LeaseHandle, ProcessorError, RecordBatch, RecordProcessor},
    settings::{OnFailure, ProgressMode, Settings},
    stream::Record,
    worker::{WithProcessor, Worker, WorkerBuilder, WorkerHandle},
};
use kcl_memory::{
    Faulty,
    faults::{Fate, Outcome},
};

use crate::bench::{Bench, virtually};

impl Bench {
    fn worker(&self, id: &str, settings: Settings) -> WorkerBuilder {
        Worker::builder(self.stream.clone(), self.server.store("test"))
            .worker_id(id.parse().unwrap())
            .env(self.env.clone())
            .settings(settings)
    }
}

#[expect(clippy::disallowed_methods, reason = "a test may spawn")]
fn start(worker: WorkerBuilder<WithProcessor>) -> (WorkerHandle, tokio::task::JoinHandle<()>) {
    let worker = worker.build().unwrap();
    (worker.handle(), tokio::spawn(async move { worker.run().await.unwrap() }))
}

fn manual() -> Settings {
    let mut settings = Settings::default();
    settings.delivery.progress = ProgressMode::Manual;
    settings
}

fn number(record: &Record) -> u32 {
    std::str::from_utf8(&record.data).unwrap().parse().unwrap()
}

#[test]
fn a_worker_can_be_stopped_while_its_store_cannot_be_prepared() {
    virtually(1, |bench| async move {
        let hangs = Fate::of(Outcome::Served).slowly(Duration::from_secs(3_600), Duration::ZERO);
        let store = Arc::new(bench.server.store("test"));
        let store = Faulty::new(store, bench.env.clone(), Arc::new(move |_| hangs));
        let worker = Worker::builder(bench.stream.clone(), store).env(bench.env.clone());
        let worker = worker.for_each_batch(|_| async { Ok(()) });
        let (handle, running) = start(worker);
        bench.sleep(10).await;
        let asked = bench.env.clock.now();
        handle.shut_down();
        running.await.unwrap();
        assert!(bench.env.clock.now().since(asked) < Duration::from_secs(2));
    });
}

#[test]
fn where_wake_ups_are_pushed_a_lease_moves_in_a_tenth_of_a_second() {
    virtually(8, |bench| async move {
        let settings = Settings::default();
        let worker = |id| bench.worker(id, settings.clone()).for_each_batch(|_| async { Ok(()) });
        let (first, _running) = start(worker("first"));
        bench.sleep(20).await;
        assert_eq!(first.status().leases.len(), 8);
        let (second, _running) = start(worker("second"));
        bench.env.clock.sleep(settings.coordination.join_gather).await;
        bench.env.clock.sleep(Duration::from_millis(100)).await;
        assert_eq!((first.status().leases.len(), second.status().leases.len()), (4, 4));
    });
}

/// Keeps its lease's handle, and the last record it was given.
#[derive(Clone, Default)]
struct Keeping(Arc<Mutex<Option<(LeaseHandle, Record)>>>);

#[async_trait]
impl RecordProcessor for Keeping {
    async fn process(
        &mut self,
        batch: RecordBatch,
        lease: &LeaseHandle,
    ) -> Result<(), ProcessorError> {
        *self.0.lock().unwrap() = batch.last().map(|last| (lease.clone(), last.clone()));
        Ok(())
    }
}

#[test]
fn a_checkpoint_that_is_stored_is_answered_and_one_after_a_handover_is_refused() {
    virtually(1, |bench| async move {
        let keeping = Keeping::default();
        let kept = keeping.clone();
        let processor = move |_: &LeaseHandle| keeping.clone();
        let (handle, running) = start(bench.worker("a", manual()).processor(processor));
        bench.put(0..5);
        bench.sleep(5).await;
        let (lease, last) = kept.0.lock().unwrap().clone().unwrap();
        let soon = Duration::from_secs(10);
        for _ in 0..2 {
            let stored = tokio::time::timeout_at(tokio::time::Instant::now() + soon, async {
                lease.checkpoint(&last).await
            });
            stored.await.expect("it is stored already").unwrap();
        }
        handle.shut_down();
        running.await.unwrap();
        let refused = tokio::time::timeout_at(tokio::time::Instant::now() + soon, async {
            lease.checkpoint(&last).await
        });
        let refused = refused.await.expect("nobody writes it any more").unwrap_err();
        assert!(matches!(refused, CheckpointError::LeaseLost(_)), "{refused}");
        assert!(!lease.is_held());
    });
}

#[test]
fn a_record_that_keeps_failing_is_found_in_a_minute_also_if_it_is_the_first_of_a_thousand() {
    virtually(1, |bench| async move {
        bench.put(0..1_000);
        let mut settings = Settings::default();
        settings.delivery.on_failure = OnFailure::SkipRecord { attempts: 3 };
        let done = Arc::new(AtomicBool::new(false));
        let all = Arc::clone(&done);
        let worker = bench.worker("a", settings).for_each_batch(move |batch: RecordBatch| {
            let all = Arc::clone(&all);
            async move {
                if batch.iter().any(|record| number(record) == 0) {
                    return Err("the first fails".into());
                }
                all.fetch_or(batch.iter().any(|record| number(record) == 999), Ordering::Relaxed);
                Ok(())
            }
        });
        let (handle, running) = start(worker);
        bench.sleep(60).await;
        assert!(done.load(Ordering::Relaxed));
        handle.shut_down();
        running.await.unwrap();
    });
}

/// Buffers what it is given, writes and checkpoints it at every tenth record, and panics at some.
struct Buffering {
    buffer: Vec<Record>,
    written: Arc<Mutex<Vec<u32>>>,
    panics: fn(u32) -> bool,
}

#[async_trait]
impl RecordProcessor for Buffering {
    async fn process(
        &mut self,
        batch: RecordBatch,
        lease: &LeaseHandle,
    ) -> Result<(), ProcessorError> {
        for record in &batch {
            if (self.panics)(number(record)) {
                std::panic::resume_unwind(Box::new("on purpose"));
            }
            self.buffer.push(record.clone());
            if number(record) % 10 == 9 {
                let numbers = self.buffer.drain(..).map(|record| number(&record));
                self.written.lock().unwrap().extend(numbers);
                lease.checkpoint(record).await?;
            }
        }
        Ok(())
    }
}

fn written_by_a_processor_that_panics(panics: fn(u32) -> bool, on_failure: OnFailure) -> Vec<u32> {
    virtually(1, |bench| async move {
        let mut settings = manual();
        settings.delivery.on_failure = on_failure;
        settings.delivery.max_batch = 4;
        let written = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&written);
        let processor = move |_: &LeaseHandle| {
            let (buffer, written) = (Vec::new(), Arc::clone(&kept));
            Buffering { buffer, written, panics }
        };
        let (handle, running) = start(bench.worker("a", settings).processor(processor));
        for part in 0..20 {
            bench.put(part * 5..part * 5 + 5);
            bench.sleep(1).await;
        }
        bench.sleep(600).await;
        handle.shut_down();
        running.await.unwrap();
        let mut written = written.lock().unwrap().clone();
        written.dedup();
        written
    })
}

#[test]
fn what_a_panic_took_out_of_a_buffer_is_delivered_again() {
    // Once in each ten: whether it is the first time cannot be seen by the processor.
    static PANICKED: Mutex<Vec<u32>> = Mutex::new(Vec::new());
    let once = |number: u32| {
        let mut panicked = PANICKED.lock().unwrap();
        let first = number % 10 == 6 && !panicked.contains(&number);
        panicked.extend(first.then_some(number));
        first
    };
    let written = written_by_a_processor_that_panics(once, OnFailure::Retry);
    assert_eq!(written, (0..100).collect::<Vec<_>>());
}

#[test]
fn a_record_that_keeps_panicking_is_skipped_and_its_neighbours_in_the_buffer_are_not() {
    let poison = |number: u32| matches!(number, 33 | 36 | 71);
    let skip = OnFailure::SkipRecord { attempts: 2 };
    let written = written_by_a_processor_that_panics(poison, skip);
    let expected: Vec<u32> = (0..100).filter(|number| !poison(*number)).collect();
    assert_eq!(written, expected);
}
