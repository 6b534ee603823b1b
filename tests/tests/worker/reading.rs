//! What a worker makes of what its readers tell: ends, losses, and reading that gets nowhere.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use kcl_core::{
    processor::{ProcessorError, RecordBatch},
    stream::{
        ByteLimit, ReadEvent, Shard, ShardId, ShardReader, SourceError, SourceErrorKind,
        SourceResult, StartAt, StreamDescription, StreamKey, StreamSource,
    },
    worker::{Worker, WorkerEvent},
};
use kcl_memory::MemoryStream;

use super::bench::{Bench, Running, virtually};

/// A stream whose readers first tell what a script says.
#[derive(Clone, Debug)]
struct Odd {
    stream: MemoryStream,
    script: Arc<Mutex<VecDeque<SourceResult<ReadEvent>>>>,
    /// Whether it lists nothing.
    lists_nothing: Arc<AtomicBool>,
}

#[derive(Debug)]
struct OddReader(Odd, Box<dyn ShardReader>);

#[async_trait]
impl StreamSource for Odd {
    async fn describe(&self) -> SourceResult<StreamDescription> {
        self.stream.describe().await
    }

    async fn shards(&self) -> SourceResult<Vec<Shard>> {
        if self.lists_nothing.load(Ordering::SeqCst) {
            return Ok(Vec::new());
        }
        self.stream.shards().await
    }

    async fn open(
        &self,
        stream: &StreamKey,
        shard: &ShardId,
        at: StartAt,
    ) -> SourceResult<Box<dyn ShardReader>> {
        Ok(Box::new(OddReader(self.clone(), self.stream.open(stream, shard, at).await?)))
    }
}

#[async_trait]
impl ShardReader for OddReader {
    fn size_hint(&self) -> ByteLimit {
        self.1.size_hint()
    }

    async fn close(self: Box<Self>) {
        self.1.close().await;
    }

    async fn next(&mut self, room: ByteLimit) -> SourceResult<ReadEvent> {
        let event = self.0.script.lock().unwrap().pop_front();
        match event {
            Some(event) => event,
            None => self.1.next(room).await,
        }
    }
}

impl Odd {
    fn new(
        stream: &MemoryStream,
        script: impl IntoIterator<Item = SourceResult<ReadEvent>>,
    ) -> Self {
        let script = Arc::new(Mutex::new(script.into_iter().collect()));
        Self { stream: stream.clone(), script, lists_nothing: Arc::default() }
    }

    fn start(&self, bench: &Bench) -> Running {
        let log = bench.log.clone();
        let work = move |batch: RecordBatch| {
            let log = log.clone();
            async move {
                log.note(&batch);
                Ok::<(), ProcessorError>(())
            }
        };
        let worker = Worker::builder(self.clone(), bench.server.store("test"))
            .worker_id("a".parse().unwrap())
            .env(bench.env.clone())
            .for_each_batch(work);
        Running::start(worker.build().unwrap())
    }
}

#[test]
fn reading_that_gets_nowhere_is_told_and_goes_on() {
    virtually(|env| async move {
        let bench = Bench::new(env, 1);
        bench.put(0, 3);
        let why = "its answers hold nothing".to_owned();
        let source = Odd::new(&bench.stream, [Ok(ReadEvent::Standstill { calls: 10, why })]);
        let worker = source.start(&bench);
        let mut events = worker.handle.events();
        let (calls, why) = loop {
            if let WorkerEvent::ReadStandstill { calls, why, .. } = events.recv().await.unwrap() {
                break (calls, why);
            }
        };
        assert_eq!((calls, why.as_str()), (10, "its answers hold nothing"));
        bench.wait_for("three", || bench.log.len() == 3).await;
        worker.stop().await.unwrap();
    });
}

#[test]
fn an_end_that_is_not_proven_is_told_and_the_children_are_read() {
    for proven in [false, true] {
        virtually(|env| async move {
            let bench = Bench::new(env, 1);
            let shard = bench.shards().await.remove(0);
            bench.stream.split(&shard).unwrap();
            bench.put(0, 3);
            let source = Odd::new(&bench.stream, [Ok(ReadEvent::End { children: None, proven })]);
            let worker = source.start(&bench);
            let mut events = worker.handle.events();
            bench.wait_for("three", || bench.log.len() == 3).await;
            let mut told = 0;
            while let Ok(event) = events.try_recv() {
                told += u32::from(matches!(event, WorkerEvent::EndUnproven { after: None, .. }));
            }
            assert_eq!(told, u32::from(!proven));
            worker.stop().await.unwrap();
        });
    }
}

#[test]
fn a_list_without_any_shard_does_not_show_that_one_is_gone() {
    virtually(|env| async move {
        let bench = Bench::new(env, 1);
        bench.put(0, 3);
        let error = SourceError::new(SourceErrorKind::NoShard, "GetRecords", "shard");
        let source = Odd::new(&bench.stream, []);
        let worker = source.start(&bench);
        let mut events = worker.handle.events();
        bench.wait_for("three", || bench.log.len() == 3).await;
        source.lists_nothing.store(true, Ordering::SeqCst);
        source.script.lock().unwrap().push_back(Err(error));
        bench.put(3, 3);
        bench.wait_for("six", || bench.log.len() == 6).await;
        while let Ok(event) = events.try_recv() {
            assert!(!matches!(event, WorkerEvent::RecordsLost { .. }), "{event:?}");
        }
        worker.stop().await.unwrap();
    });
}

#[test]
fn a_shard_that_is_gone_is_a_loss_from_the_last_position_that_was_read() {
    virtually(|env| async move {
        let bench = Bench::with(env, 1, |options| {
            options.batch_limit = 1;
            options.retention = Duration::from_secs(60);
        });
        let shard = bench.shards().await.remove(0);
        let blocked = Arc::new(AtomicBool::new(true));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (gate, last, env) = (blocked.clone(), seen.clone(), bench.env.clone());
        let slow = move |batch: RecordBatch| {
            let (gate, last, env) = (gate.clone(), last.clone(), env.clone());
            async move {
                while batch.iter().any(|record| record.data == "2") && gate.load(Ordering::SeqCst) {
                    env.clock.sleep(Duration::from_secs(1)).await;
                }
                last.lock().unwrap().extend(batch.last().map(|record| record.position.clone()));
                Ok::<(), ProcessorError>(())
            }
        };
        bench.put(0, 10);
        let worker = Running::start(bench.builder("a").for_each_batch(slow).build().unwrap());
        let mut events = worker.handle.events();
        bench.wait_for("the first two", || seen.lock().unwrap().len() == 2).await;
        bench.stream.split(&shard).unwrap();
        // Longer than records are kept: the shard is forgotten with what is still to be read.
        bench.sleep(120_000).await;
        blocked.store(false, Ordering::SeqCst);
        let lost = loop {
            if let WorkerEvent::RecordsLost { from, to, .. } = events.recv().await.unwrap() {
                break (from, to);
            }
        };
        let last = seen.lock().unwrap().last().cloned();
        assert!(seen.lock().unwrap().len() < 10, "nothing was lost");
        assert_eq!(lost, (last, None));
        worker.stop().await.unwrap();
    });
}
