//! What reaches a processor, and what is checkpointed.

use std::time::Duration;

use kcl_core::{
    lease::Checkpoint,
    processor::{CheckpointError, LeaseHandle, ProcessorError, RecordBatch, RecordProcessor, Stop},
    settings::{ProgressMode, Settings},
    store::{LeaseStore, LeaseStoreExt},
    worker::WorkerEvent,
};

use super::bench::{Bench, Running, virtually};

#[test]
fn everything_is_delivered_once_and_in_order_across_splits_and_merges() {
    for reports_children in [true, false] {
        virtually(|env| async move {
            let bench = Bench::with(env, 2, |options| options.reports_children = reports_children);
            bench.put(0, 100);
            let worker = bench.start("a");
            bench.wait_for("the first hundred", || bench.log.len() == 100).await;
            let first = bench.shards().await;
            let [left, right] = bench.stream.split(&first[0]).unwrap();
            bench.put(100, 100);
            bench.stream.merge(&left, &right).unwrap();
            bench.put(200, 100);
            bench.wait_for("all", || bench.log.len() == 300).await;
            for history in bench.stream.history() {
                let put: Vec<String> = history
                    .records
                    .iter()
                    .map(|record| String::from_utf8_lossy(&record.data).into_owned())
                    .collect();
                assert_eq!(bench.log.of(&history.shard.id), put);
            }
            worker.stop().await.unwrap();
            let store = bench.server.store("test");
            let leases = store.all_leases().await.unwrap();
            let ended = leases.iter().filter(|row| row.has_ended()).count();
            assert_eq!(ended, 3, "the split shard and both of its merged children");
            assert!(leases.iter().all(|row| row.owner.is_none()));
        });
    }
}

#[test]
fn a_worker_goes_on_where_the_last_one_stopped() {
    virtually(|env| async move {
        let bench = Bench::new(env, 3);
        bench.put(0, 50);
        let worker = bench.start("a");
        bench.wait_for("fifty", || bench.log.len() == 50).await;
        worker.stop().await.unwrap();
        bench.put(50, 50);
        let worker = bench.start("b");
        bench.wait_for("the rest", || bench.log.len() == 100).await;
        bench.sleep(5_000).await;
        assert_eq!(bench.log.len(), 100, "nothing is delivered twice after a clean stop");
        worker.stop().await.unwrap();
    });
}

/// Acknowledges nothing but every third record, by hand.
struct Manual(super::bench::Log);

#[async_trait::async_trait]
impl RecordProcessor for Manual {
    async fn process(
        &mut self,
        batch: RecordBatch,
        lease: &LeaseHandle,
    ) -> Result<(), ProcessorError> {
        self.0.note(&batch);
        for (n, record) in batch.iter().enumerate() {
            if n % 3 == 2 {
                lease.checkpoint(record).await?;
            }
        }
        Ok(())
    }
}

#[test]
fn in_manual_mode_only_the_processors_checkpoints_count() {
    virtually(|env| async move {
        let bench = Bench::new(env, 1);
        bench.put(0, 8);
        let mut settings = Settings::default();
        settings.delivery.progress = ProgressMode::Manual;
        let log = bench.log.clone();
        let worker = bench
            .builder("a")
            .settings(settings)
            .processor(move |_: &LeaseHandle| Manual(log.clone()))
            .build()
            .unwrap();
        let worker = Running::start(worker);
        bench.wait_for("eight", || bench.log.len() == 8).await;
        worker.stop().await.unwrap();
        let leases = bench.server.store("test").all_leases().await.unwrap();
        let history = bench.stream.history();
        let sixth = history[0].records[5].position.clone();
        let row = leases.iter().find(|row| !row.key.is_role()).unwrap();
        assert_eq!(row.checkpoint, Checkpoint::After(sixth));
    });
}

/// Asks for checkpoints it may not have.
struct Greedy {
    refused: tokio::sync::mpsc::UnboundedSender<CheckpointError>,
    kept: Option<LeaseHandle>,
}

#[async_trait::async_trait]
impl RecordProcessor for Greedy {
    async fn process(
        &mut self,
        batch: RecordBatch,
        lease: &LeaseHandle,
    ) -> Result<(), ProcessorError> {
        let mut beyond = batch[0].position.clone();
        beyond.sub = 99;
        self.refused.send(lease.checkpoint_at(&beyond).await.unwrap_err())?;
        lease.checkpoint(&batch[0]).await?;
        self.kept = Some(lease.clone());
        Ok(())
    }

    async fn stop(&mut self, _: Stop, lease: &LeaseHandle) -> Result<(), ProcessorError> {
        let kept = self.kept.take().unwrap();
        assert_eq!(kept.fence(), lease.fence());
        let (refused, at) = (self.refused.clone(), kept.started_at().clone());
        assert_eq!(at, Checkpoint::TrimHorizon);
        drop(refused);
        Ok(())
    }
}

#[test]
fn a_checkpoint_past_what_was_delivered_is_refused() {
    virtually(|env| async move {
        let bench = Bench::new(env, 1);
        bench.put(0, 1);
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        let greedy = move |_: &LeaseHandle| Greedy { refused: sender.clone(), kept: None };
        let worker = Running::start(bench.builder("a").processor(greedy).build().unwrap());
        let refused = receiver.recv().await.unwrap();
        assert!(matches!(refused, CheckpointError::NotDelivered { .. }), "{refused}");
        worker.stop().await.unwrap();
    });
}

#[test]
fn records_that_were_trimmed_are_reported_and_never_passed_over_in_silence() {
    virtually(|env| async move {
        let bench = Bench::new(env, 1);
        bench.put(0, 10);
        let worker = bench.start("a");
        bench.wait_for("ten", || bench.log.len() == 10).await;
        worker.stop().await.unwrap();
        bench.put(10, 10);
        let shard = bench.shards().await.remove(0);
        bench.stream.trim(&shard, 3).unwrap();
        let worker = bench.start("a");
        let mut events = worker.handle.events();
        bench.wait_for("the last three", || bench.log.len() == 13).await;
        let lost = loop {
            if let WorkerEvent::RecordsLost { from, to, .. } = events.recv().await.unwrap() {
                break (from, to);
            }
        };
        assert!(lost.0.is_some() && lost.1.is_some(), "{lost:?}");
        worker.stop().await.unwrap();
    });
}

#[test]
fn an_empty_stream_and_one_of_a_thousand_shards_are_streams_like_any_other() {
    virtually(|env| async move {
        let bench = Bench::new(env, 1_000);
        let workers = [bench.start("a"), bench.start("b"), bench.start("c")];
        bench
            .wait_for("all shards", || workers.iter().map(Running::leases).sum::<usize>() == 1_000)
            .await;
        let mut counts: Vec<usize> = workers.iter().map(Running::leases).collect();
        counts.sort_unstable();
        assert_eq!(counts, [333, 333, 334]);
        assert_eq!(bench.log.len(), 0);
        bench.put(0, 3_000);
        bench.wait_for("three thousand records", || bench.log.len() == 3_000).await;
        for worker in workers {
            worker.stop().await.unwrap();
        }
    });
}

#[test]
fn memory_stays_within_the_byte_budget() {
    virtually(|env| async move {
        let bench = Bench::with(env, 8, |options| options.batch_limit = 16);
        for n in 0..800 {
            bench.stream.put(&format!("key-{n}"), vec![7; 10_000]).unwrap();
        }
        let mut settings = Settings::default();
        settings.delivery.byte_budget = 1024 * 1024;
        let held = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let most = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let (log, env) = (bench.log.clone(), bench.env.clone());
        let (now, peak) = (held.clone(), most.clone());
        let work = move |batch: RecordBatch| {
            let (log, env, now, peak) = (log.clone(), env.clone(), now.clone(), peak.clone());
            async move {
                use std::sync::atomic::Ordering::SeqCst;
                let bytes: usize = batch.iter().map(kcl_core::stream::Record::weight).sum();
                peak.fetch_max(now.fetch_add(bytes, SeqCst) + bytes, SeqCst);
                env.clock.sleep(Duration::from_millis(50)).await;
                now.fetch_sub(bytes, SeqCst);
                log.note(&batch);
                Ok::<(), ProcessorError>(())
            }
        };
        let worker = bench.builder("a").settings(settings).for_each_batch(work).build().unwrap();
        let worker = Running::start(worker);
        bench.wait_for("all", || bench.log.len() == 800).await;
        let peak = most.load(std::sync::atomic::Ordering::SeqCst);
        assert!(peak <= 1024 * 1024 + 16 * 10_100, "{peak} bytes at once");
        worker.stop().await.unwrap();
    });
}

#[test]
fn a_stream_made_again_under_its_name_is_read_from_its_beginning() {
    virtually(|env| async move {
        let bench = Bench::new(env, 2);
        bench.put(0, 10);
        let worker = bench.start("a");
        bench.wait_for("ten", || bench.log.len() == 10).await;
        bench.stream.delete();
        bench.sleep(2_000).await;
        bench.stream.create(2);
        bench.put(10, 10);
        bench.wait_for("twenty", || bench.log.len() == 20).await;
        let store = bench.server.store("test");
        bench.sleep(60_000).await;
        let lives: std::collections::BTreeSet<_> =
            store.all_leases().await.unwrap().iter().filter_map(|row| row.key.stream()).collect();
        assert_eq!(lives.len(), 1, "the leases of the former life are gone: {lives:?}");
        assert_eq!(store.application(), "test");
        worker.stop().await.unwrap();
    });
}
