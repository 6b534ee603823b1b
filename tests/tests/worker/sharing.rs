//! The byte budget: no shard takes the room of the others.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use kcl_core::{
    processor::{ProcessorError, RecordBatch},
    settings::Settings,
    stream::{HashKey, ShardId},
};

use super::bench::{Bench, Running, virtually};

/// Two and a half records.
const BUDGET: usize = 1 << 20;
const RECORD: usize = 400_000;

/// Shards whose readers wait up to an hour for a record, and a worker that has delivered one of
/// each. Of the first shard it delivers no other while that is held up.
struct Stage {
    bench: Bench,
    shards: Vec<ShardId>,
    held_up: Arc<AtomicBool>,
    worker: Running,
}

impl Stage {
    async fn new(env: kcl_core::env::Env, shards: u32) -> Self {
        let bench =
            Bench::with(env, shards, |options| options.poll_interval = Duration::from_secs(3_600));
        let shards = bench.shards().await;
        let held_up = Arc::new(AtomicBool::new(false));
        let (log, env) = (bench.log.clone(), bench.env.clone());
        let (slow, is_held_up) = (shards[0].clone(), Arc::clone(&held_up));
        let each = move |batch: RecordBatch| {
            let (log, env) = (log.clone(), env.clone());
            let (is_slow, held_up) = (*batch.shard() == slow, Arc::clone(&is_held_up));
            async move {
                while is_slow && held_up.load(Ordering::SeqCst) {
                    env.clock.sleep(Duration::from_millis(100)).await;
                }
                log.note(&batch);
                Ok::<(), ProcessorError>(())
            }
        };
        let mut settings = Settings::default();
        settings.delivery.byte_budget = BUDGET;
        let worker = bench.builder("a").settings(settings).for_each_batch(each).build().unwrap();
        let stage = Self { worker: Running::start(worker), bench, shards, held_up };
        for shard in 0..stage.shards.len() {
            stage.put(shard, 1);
        }
        let all = stage.shards.len();
        stage.bench.wait_for("one of each", || stage.bench.log.len() == all).await;
        stage
    }

    fn put(&self, shard: usize, records: usize) {
        let width = HashKey::MAX / self.shards.len() as HashKey;
        for _ in 0..records {
            let hash = width * shard as HashKey + 1;
            self.bench.stream.put_hashed(hash, "key", vec![b'x'; RECORD]).unwrap();
        }
    }

    fn seen(&self, shard: usize) -> usize {
        self.bench.log.of(&self.shards[shard]).len()
    }
}

#[test]
fn a_slow_shard_with_a_full_buffer_does_not_starve_the_others() {
    virtually(|env| async move {
        let stage = Stage::new(env, 2).await;
        stage.held_up.store(true, Ordering::SeqCst);
        stage.put(0, 20);
        stage.bench.sleep(10_000).await;
        stage.put(1, 20);
        stage.bench.wait_for("the quick one", || stage.seen(1) == 21).await;
        assert_eq!(stage.seen(0), 1, "it was held up");
        stage.held_up.store(false, Ordering::SeqCst);
        stage.bench.wait_for("the slow one", || stage.seen(0) == 21).await;
        stage.worker.stop().await.unwrap();
    });
}

/// Readers at the tip expect answers as large as the last one, and there may be many of them.
#[test]
fn shards_at_rest_take_no_room_from_the_others() {
    virtually(|env| async move {
        let stage = Stage::new(env, 4).await;
        stage.bench.sleep(10_000).await;
        for shard in 0..4 {
            stage.put(shard, 3);
            stage.bench.wait_for("three more", || stage.seen(shard) == 4).await;
        }
        stage.worker.stop().await.unwrap();
    });
}
