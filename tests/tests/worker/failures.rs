//! Processors that fail, panic, hang, or cannot stand a record.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use kcl_core::{
    processor::{LeaseHandle, ProcessorError, RecordBatch},
    settings::{OnFailure, OnStall, Settings},
    stream::Record,
    worker::{DeadLetter, WorkerEvent},
};

use super::bench::{Bench, Running, virtually};

/// A worker whose processor does `work` with each batch, and logs it if that goes well.
fn worker(
    bench: &Bench,
    settings: Settings,
    work: impl Fn(&RecordBatch) -> Result<(), ProcessorError> + Clone + Send + Sync + 'static,
) -> Running {
    let log = bench.log.clone();
    let each = move |batch: RecordBatch| {
        let (log, work) = (log.clone(), work.clone());
        async move {
            work(&batch)?;
            log.note(&batch);
            Ok(())
        }
    };
    Running::start(bench.builder("a").settings(settings).for_each_batch(each).build().unwrap())
}

fn contains(batch: &RecordBatch, text: &str) -> bool {
    batch.iter().any(|record| record.data == text.as_bytes())
}

#[test]
fn a_batch_that_fails_is_delivered_again_until_it_does_not() {
    virtually(|env| async move {
        let bench = Bench::new(env, 1);
        bench.put(0, 10);
        let failures = Arc::new(AtomicU32::new(0));
        let count = failures.clone();
        let worker = worker(&bench, Settings::default(), move |_| {
            if count.fetch_add(1, Ordering::SeqCst) < 7 { Err("not yet".into()) } else { Ok(()) }
        });
        bench.wait_for("ten", || bench.log.len() == 10).await;
        assert_eq!(bench.log.all(), (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
        assert!(failures.load(Ordering::SeqCst) >= 8);
        worker.stop().await.unwrap();
    });
}

#[test]
fn a_panic_fails_its_shard_only_and_the_batch_comes_again() {
    virtually(|env| async move {
        let bench = Bench::new(env, 4);
        bench.put(0, 40);
        let panics = Arc::new(AtomicU32::new(0));
        let count = panics.clone();
        let worker = worker(&bench, Settings::default(), move |batch| {
            if contains(batch, "13") && count.fetch_add(1, Ordering::SeqCst) < 3 {
                panic!("thirteen");
            }
            Ok(())
        });
        let mut events = worker.handle.events();
        bench.wait_for("forty", || bench.log.len() == 40).await;
        let message = loop {
            if let WorkerEvent::ProcessorPanicked { message, .. } = events.recv().await.unwrap() {
                break message;
            }
        };
        assert_eq!(message, "thirteen");
        worker.stop().await.unwrap();
    });
}

#[derive(Clone, Default)]
struct Buried(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl DeadLetter for Buried {
    async fn send(
        &self,
        record: &Record,
        _: &LeaseHandle,
        error: &str,
    ) -> Result<(), ProcessorError> {
        let text = format!("{}: {error}", String::from_utf8_lossy(&record.data));
        self.0.lock().unwrap().push(text);
        Ok(())
    }
}

#[test]
fn the_record_that_fails_is_found_buried_and_skipped_and_no_other() {
    virtually(|env| async move {
        let bench = Bench::new(env, 1);
        bench.put(0, 100);
        let mut settings = Settings::default();
        settings.delivery.on_failure = OnFailure::SkipRecord { attempts: 2 };
        let (log, buried) = (bench.log.clone(), Buried::default());
        let each = move |batch: RecordBatch| {
            let log = log.clone();
            async move {
                if contains(&batch, "42") || contains(&batch, "77") {
                    return Err("poison".into());
                }
                log.note(&batch);
                Ok(())
            }
        };
        let worker = bench
            .builder("a")
            .settings(settings)
            .for_each_batch(each)
            .dead_letter(buried.clone())
            .build()
            .unwrap();
        let worker = Running::start(worker);
        bench.wait_for("all but two", || bench.log.len() == 98).await;
        let expected: Vec<String> =
            (0..100).filter(|n| *n != 42 && *n != 77).map(|n| n.to_string()).collect();
        assert_eq!(bench.log.all(), expected);
        assert_eq!(*buried.0.lock().unwrap(), ["42: poison", "77: poison"]);
        worker.stop().await.unwrap();
    });
}

#[test]
fn a_shard_that_is_stopped_keeps_its_lease_and_the_others_go_on() {
    virtually(|env| async move {
        let bench = Bench::new(env, 2);
        bench.put(0, 20);
        let mut settings = Settings::default();
        settings.delivery.on_failure = OnFailure::StopShard { attempts: 3 };
        let worker = worker(&bench, settings, |batch| {
            if contains(batch, "5") { Err("no fives".into()) } else { Ok(()) }
        });
        let mut events = worker.handle.events();
        let stopped = loop {
            if let WorkerEvent::ShardStopped { key, reason, .. } = events.recv().await.unwrap() {
                break (key, reason);
            }
        };
        assert_eq!(stopped.1, "no fives");
        bench.put(20, 20);
        bench.sleep(20_000).await;
        assert_eq!(worker.leases(), 2);
        let dead = stopped.0.shard().unwrap();
        assert!(bench.log.of(&dead).is_empty() && bench.log.len() > 0);
        worker.stop().await.unwrap();
    });
}

#[test]
fn a_processor_that_hangs_is_reported_and_its_lease_goes_elsewhere() {
    virtually(|env| async move {
        let bench = Bench::new(env, 2);
        let mut settings = Settings::default();
        settings.delivery.watchdog = Duration::from_secs(10);
        settings.delivery.on_stall = OnStall::HandOver;
        let log = bench.log.clone();
        let hang = move |batch: RecordBatch| {
            let log = log.clone();
            async move {
                if contains(&batch, "3") {
                    std::future::pending::<()>().await;
                }
                log.note(&batch);
                Ok::<(), ProcessorError>(())
            }
        };
        let hanging = bench.builder("a").settings(settings.clone()).for_each_batch(hang);
        let hanging = Running::start(hanging.build().unwrap());
        bench.wait_for("both leases", || hanging.leases() == 2).await;
        let mut events = hanging.handle.events();
        bench.put(0, 10);
        let healthy = Running::start(bench.worker("b", settings));
        bench.wait_for("all ten", || bench.log.len() == 10).await;
        let mut stalled = 0;
        while let Ok(event) = events.try_recv() {
            stalled += usize::from(matches!(event, WorkerEvent::ProcessorStalled { .. }));
        }
        // The lease may have moved before the watchdog barked; if it barked, it was handed over.
        assert!(stalled <= 1);
        hanging.stop().await.unwrap();
        healthy.stop().await.unwrap();
    });
}

#[test]
fn a_failing_start_is_tried_again() {
    struct Shy(Arc<AtomicU32>, super::bench::Log);

    #[async_trait]
    impl kcl_core::processor::RecordProcessor for Shy {
        async fn start(&mut self, _: &LeaseHandle) -> Result<(), ProcessorError> {
            if self.0.fetch_add(1, Ordering::SeqCst) < 3 { Err("not yet".into()) } else { Ok(()) }
        }

        async fn process(&mut self, b: RecordBatch, _: &LeaseHandle) -> Result<(), ProcessorError> {
            self.1.note(&b);
            Ok(())
        }
    }

    virtually(|env| async move {
        let bench = Bench::new(env, 1);
        bench.put(0, 5);
        let (starts, log) = (Arc::new(AtomicU32::new(0)), bench.log.clone());
        let shy = move |_: &LeaseHandle| Shy(starts.clone(), log.clone());
        let worker = Running::start(bench.builder("a").processor(shy).build().unwrap());
        bench.wait_for("five", || bench.log.len() == 5).await;
        worker.stop().await.unwrap();
    });
}
