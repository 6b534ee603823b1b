//! Shards that are stuck on a record, which the operator gives up: whole workers on virtual time.
//! Nothing but what was named *and* fails by itself is skipped, and that is kept.

#![allow(clippy::panic, clippy::unwrap_used, reason = "what goes wrong fails the test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use kcl_core::{
    assignment::placement::{GivenUp, Said},
    env::{Env, WallTime},
    lease::{
        DocName, LeaseKey,
        report::{Stuck, WorkerReport},
    },
    placing,
    processor::{LeaseHandle, ProcessorError, RecordBatch, RecordProcessor},
    settings::{OnFailure, Settings},
    store::LeaseStore,
    stream::{Position, Record, ShardId},
    worker::{DeadLetter, Worker, WorkerHandle},
};

use crate::bench::{self, Bench};

/// How a processor fares on a record that it cannot stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Poison {
    Fails,
    Panics,
    Hangs,
}

/// What processors were given, by shard, and what was buried.
#[derive(Clone, Default)]
struct Log {
    processed: Arc<Mutex<BTreeMap<ShardId, Vec<u32>>>>,
    buried: Arc<Mutex<Vec<u32>>>,
}

fn number(record: &Record) -> u32 {
    std::str::from_utf8(&record.data).unwrap().parse().unwrap()
}

struct Processor {
    log: Log,
    env: Env,
    poison: BTreeMap<u32, Poison>,
}

#[async_trait]
impl RecordProcessor for Processor {
    async fn process(&mut self, batch: RecordBatch, _: &LeaseHandle) -> Result<(), ProcessorError> {
        let cannot = batch.iter().find_map(|record| self.poison.get(&number(record)));
        match cannot {
            Some(Poison::Fails) => return Err("poison".into()),
            Some(Poison::Panics) => panic!("poison"),
            Some(Poison::Hangs) => self.env.clock.sleep(Duration::from_hours(9)).await,
            None => {}
        }
        let mut processed = self.log.processed.lock().unwrap();
        processed.entry(batch.shard().clone()).or_default().extend(batch.iter().map(number));
        Ok(())
    }
}

#[async_trait]
impl DeadLetter for Log {
    async fn send(&self, record: &Record, _: &LeaseHandle, _: &str) -> Result<(), ProcessorError> {
        self.buried.lock().unwrap().push(number(record));
        Ok(())
    }
}

struct Stage {
    bench: Bench,
    log: Log,
    poison: BTreeMap<u32, Poison>,
    settings: Settings,
    keeps: bool,
}

impl Stage {
    fn new(bench: Bench, poison: &[(u32, Poison)]) -> Self {
        let mut settings = Settings::default();
        settings.delivery.watchdog = Duration::from_secs(5);
        let (log, poison) = (Log::default(), poison.iter().copied().collect());
        Self { bench, log, poison, settings, keeps: true }
    }

    fn start(&self, name: &str) -> WorkerHandle {
        let (log, env) = (self.log.clone(), self.bench.env.clone());
        let poison = self.poison.clone();
        let store = self.bench.server.store("test");
        let mut worker = Worker::builder(self.bench.stream.clone(), store)
            .worker_id(name.parse().unwrap())
            .env(self.bench.env.clone())
            .settings(self.settings.clone())
            .processor(move |_: &LeaseHandle| Processor {
                log: log.clone(),
                env: env.clone(),
                poison: poison.clone(),
            });
        if self.keeps {
            worker = worker.dead_letter(self.log.clone());
        }
        bench::run(worker.build().unwrap())
    }

    fn store(&self) -> impl LeaseStore {
        self.bench.server.store("test")
    }

    /// What workers tell of the shards that are stuck.
    async fn stuck(&self, workers: &[&str]) -> BTreeMap<LeaseKey, Stuck> {
        let mut stuck = BTreeMap::new();
        for worker in workers {
            let name = DocName::report(&worker.parse().unwrap());
            let Some(doc) = self.store().doc(&name).await.unwrap() else { continue };
            let report = WorkerReport::decode(&doc.body).unwrap();
            let shards = report.shards.into_iter();
            stuck.extend(shards.filter_map(|(key, shard)| Some((key, shard.stuck?))));
        }
        stuck
    }

    async fn give_up(&self, key: &LeaseKey, at: &Position, unkept: bool) {
        let stored = placing::read(&self.store()).await.unwrap();
        let mut next = stored.placement.clone().unwrap_or_default();
        let said = Said { by: "a test".to_owned(), since: WallTime::from_millis(1) };
        let until = WallTime::from_millis(self.bench.env.clock.wall().as_millis() + 3_600_000);
        next.marks.given_up.insert((key.clone(), at.clone()), GivenUp { unkept, until, said });
        placing::put(&self.store(), &stored, &next).await.unwrap();
    }

    /// The records of a shard, in order: each with its place.
    fn records(&self, shard: &ShardId) -> Vec<(u32, Position)> {
        let history = self.bench.stream.history();
        let of = history.into_iter().find(|history| history.shard.id == *shard).unwrap();
        of.records.iter().map(|record| (number(record), record.position.clone())).collect()
    }

    /// Fails unless all but the poison was processed, in order, and of that what was named buried.
    fn judge(&self, named: &BTreeSet<u32>) {
        for history in self.bench.stream.history() {
            let all = self.records(&history.shard.id);
            let good = all.iter().map(|it| it.0).filter(|it| !self.poison.contains_key(it));
            let processed = self.log.processed.lock().unwrap();
            let mut seen = BTreeSet::new();
            let given = processed.get(&history.shard.id).into_iter().flatten().copied();
            let first: Vec<u32> = given.filter(|number| seen.insert(*number)).collect();
            assert_eq!(first, good.collect::<Vec<_>>(), "{}", history.shard.id);
        }
        let buried: BTreeSet<u32> = self.log.buried.lock().unwrap().iter().copied().collect();
        let meant = named.iter().copied().filter(|it| self.poison.contains_key(it));
        assert_eq!(buried, meant.collect(), "of {named:?}");
    }
}

#[test]
pub(crate) fn one_record_is_given_up_and_nothing_else() {
    bench::virtually(1, |bench| async move {
        let stage = Stage::new(bench, &[(42, Poison::Fails)]);
        stage.bench.put(0..100);
        stage.start("a");
        stage.bench.sleep(15).await;
        let (key, stuck) = stage.stuck(&["a"]).await.pop_first().unwrap();
        let records = stage.records(&key.shard().unwrap());
        assert!(stuck.first == records[0].1 && stuck.last > records[42].1, "{stuck:?}");
        // One that does not fail is tried by itself, and processed like the others.
        stage.give_up(&key, &records[17].1, false).await;
        stage.bench.sleep(60).await;
        assert_eq!(*stage.log.buried.lock().unwrap(), [0; 0]);
        stage.give_up(&key, &records[42].1, false).await;
        stage.bench.sleep(60).await;
        stage.judge(&BTreeSet::from([17, 42]));
        let name = DocName::report(&"a".parse().unwrap());
        let doc = stage.store().doc(&name).await.unwrap().unwrap();
        let report = WorkerReport::decode(&doc.body).unwrap();
        let shard = &report.shards[&key];
        assert_eq!((report.keeps_skipped, &shard.stuck), (Some(true), &None));
        assert_eq!(shard.skipped.as_ref(), Some(&records[42].1));
    });
}

#[test]
pub(crate) fn what_nothing_would_keep_is_not_given_up() {
    bench::virtually(1, |bench| async move {
        let mut stage = Stage::new(bench, &[(5, Poison::Fails)]);
        stage.keeps = false;
        stage.bench.put(0..9);
        stage.start("a");
        stage.bench.sleep(15).await;
        let (key, _) = stage.stuck(&["a"]).await.pop_first().unwrap();
        let at = stage.records(&key.shard().unwrap())[5].1.clone();
        stage.give_up(&key, &at, false).await;
        stage.bench.sleep(60).await;
        let processed = |stage: &Stage| {
            stage.log.processed.lock().unwrap().values().map(Vec::len).sum::<usize>()
        };
        assert_eq!((processed(&stage), stage.stuck(&["a"]).await.len()), (0, 1));
        stage.give_up(&key, &at, true).await;
        stage.bench.sleep(60).await;
        assert_eq!((processed(&stage), stage.stuck(&["a"]).await.len()), (8, 0));
    });
}

/// Numbers that are drawn.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

const SEEDS: u64 = 40;

/// Shards that are stuck on records of every kind, under every policy, whose reader changes
/// meanwhile, and whose operator names right and wrong records.
#[test]
fn whatever_the_operator_names_only_what_fails_is_skipped_and_all_else_comes_in_order() {
    let (mut right, mut wrong) = (0, 0);
    for seed in 0..SEEDS {
        let mut draw = Draw(seed + 1);
        let shards = u32::try_from(1 + draw.below(3)).unwrap();
        let named = bench::virtually(shards, |bench| drawn(bench, draw));
        right += named.0;
        wrong += named.1;
    }
    assert!(right >= 60 && wrong >= 60, "that proves little: {right} {wrong}");
}

/// How many records of those that fail were named, and how many others.
async fn drawn(bench: Bench, mut draw: Draw) -> (usize, usize) {
    let kinds = [Poison::Fails, Poison::Panics, Poison::Hangs];
    let poison = 0..1 + draw.below(4);
    let poison = poison.map(|_| (u32::try_from(draw.below(60)).unwrap(), draw.of(&kinds)));
    let poison: Vec<(u32, Poison)> = poison.collect();
    let mut stage = Stage::new(bench, &poison);
    let policies = [OnFailure::Retry, OnFailure::StopShard { attempts: 2 }];
    stage.settings.delivery.on_failure = draw.of(&policies);
    stage.settings.delivery.max_batch = draw.of(&[7, 1_000]);
    stage.bench.put(0..60);
    let first = stage.start("a");
    stage.bench.sleep(30).await;
    let mut named = BTreeSet::new();
    let mut changes = draw.below(2) == 0;
    for _ in 0..60 {
        for (key, Stuck { first, last, .. }) in stage.stuck(&["a", "b"]).await {
            let mut among = stage.records(&key.shard().unwrap());
            among.retain(|(_, at)| (&first..=&last).contains(&at));
            let bad = among.iter().find(|(it, _)| stage.poison.contains_key(it));
            let any = &among[draw.below(among.len())];
            let (number, at) = if draw.below(2) == 0 { any } else { bad.unwrap_or(any) };
            named.insert(*number);
            stage.give_up(&key, at, false).await;
        }
        if !named.is_empty() && std::mem::take(&mut changes) {
            stage.start("b");
            first.shut_down();
        }
        stage.bench.sleep(20).await;
    }
    stage.judge(&named);
    let right = named.iter().filter(|it| stage.poison.contains_key(it)).count();
    (right, named.len() - right)
}
