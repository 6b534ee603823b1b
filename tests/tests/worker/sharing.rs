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

use crate::bench::{Bench, Running, virtually};

const BUDGET: usize = 1 << 20;

/// Two shards whose answers hold up to 400 kB, and a worker with a budget of a MiB that delivers
/// nothing of the shard `slow` while that is held up.
struct Stage {
    bench: Bench,
    slow: ShardId,
    quick: ShardId,
    held_up: Arc<AtomicBool>,
    worker: Running,
}

impl Stage {
    async fn new(env: kcl_core::env::Env, idle: Duration, records: usize) -> Self {
        let bench = Bench::with(env, 2, |options| {
            (options.batch_limit, options.poll_interval) = (4, idle);
        });
        let shards = bench.shards().await;
        let (slow, quick) = (shards[0].clone(), shards[1].clone());
        for hash in [0, HashKey::MAX] {
            put(&bench, hash, records, 100_000);
        }
        let held_up = Arc::new(AtomicBool::new(true));
        let (log, env) = (bench.log.clone(), bench.env.clone());
        let (slow_shard, is_held_up) = (slow.clone(), Arc::clone(&held_up));
        let each = move |batch: RecordBatch| {
            let (log, env, slow, held_up) =
                (log.clone(), env.clone(), slow_shard.clone(), Arc::clone(&is_held_up));
            async move {
                while *batch.shard() == slow && held_up.load(Ordering::SeqCst) {
                    env.clock.sleep(Duration::from_millis(100)).await;
                }
                log.note(&batch);
                Ok::<(), ProcessorError>(())
            }
        };
        let mut settings = Settings::default();
        settings.delivery.byte_budget = BUDGET;
        let worker = bench.builder("a").settings(settings).for_each_batch(each).build().unwrap();
        Self { worker: Running::start(worker), bench, slow, quick, held_up }
    }

    fn seen(&self, shard: &ShardId) -> usize {
        self.bench.log.of(shard).len()
    }
}

fn put(bench: &Bench, hash: HashKey, records: usize, size: usize) {
    for _ in 0..records {
        bench.stream.put_hashed(hash, "key", vec![b'x'; size]).unwrap();
    }
}

#[test]
fn a_slow_shard_with_a_full_buffer_does_not_starve_the_others() {
    virtually(|env| async move {
        let stage = Stage::new(env, Duration::from_secs(1), 40).await;
        stage.bench.wait_for("the quick one", || stage.seen(&stage.quick) == 40).await;
        assert_eq!(stage.seen(&stage.slow), 0, "it was held up");
        stage.held_up.store(false, Ordering::SeqCst);
        stage.bench.wait_for("the slow one", || stage.seen(&stage.slow) == 40).await;
        stage.worker.stop().await.unwrap();
    });
}

/// Readers at the tip expect answers as large as the last one.
#[test]
fn a_shard_at_rest_takes_no_room_from_the_others() {
    virtually(|env| async move {
        let hour = Duration::from_secs(3_600);
        let stage = Stage::new(env, hour, 4).await;
        stage.held_up.store(false, Ordering::SeqCst);
        let both = || stage.seen(&stage.quick) + stage.seen(&stage.slow);
        stage.bench.wait_for("both", || both() == 8).await;
        // Both wait for more, for up to an hour. Nine answers are more than would fit at once.
        for round in 1..=9 {
            put(&stage.bench, HashKey::MAX, 4, 230_000);
            stage.bench.wait_for("more", || stage.seen(&stage.quick) == 4 + 4 * round).await;
        }
        stage.worker.stop().await.unwrap();
    });
}
