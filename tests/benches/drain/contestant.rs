//! Who drains: a bare loop of the SDK, the source, a whole worker, one whose metrics are counted.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_sdk_kinesis::{Client, types::ShardIteratorType};
use kcl_core::{
    processor::{ProcessorError, RecordBatch},
    stream::{ByteLimit, ReadEvent, StartAt, StreamSource},
    worker::Worker,
};
use kcl_kinesis::KinesisSource;
use kcl_memory::MemoryStore;
use kcl_metrics::{CloudWatch, CloudWatchSettings, Level, Metrics, Names};
use kcl_tests::kinesis;
use tokio::{sync::Notify, task::JoinSet};

use crate::{
    collector,
    server::{SHARDS, STREAM},
    spent::{Meter, Spent},
};

/// One way to drain the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contestant {
    Bare,
    Source,
    Worker,
    Metrics,
    /// All metrics: counted, and sent to CloudWatch every second by both kinds of names.
    CloudWatch,
}

impl Contestant {
    /// The bare loop first: the others are compared with it. The last one only if it is asked for.
    pub(crate) const ALL: [Self; 5] =
        [Self::Bare, Self::Source, Self::Worker, Self::Metrics, Self::CloudWatch];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare SDK loop",
            Self::Source => "KinesisSource",
            Self::Worker => "Worker",
            Self::Metrics => "Worker with metrics",
            Self::CloudWatch => "Worker with CloudWatch",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|contestant| contestant.name() == name)
    }

    /// Drains `each` records of each shard, which is all, and says what that took.
    pub(crate) fn drain(self, url: &str, each: usize) -> Spent {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let tally = Arc::new(Tally::new(each));
        runtime.block_on(async {
            match self {
                Self::Bare => by_sdk(url, &tally).await,
                Self::Source => by_source(url, &tally).await,
                Self::Worker => by_worker(url, &tally, None, false).await,
                Self::Metrics => by_worker(url, &tally, Some(Metrics::new()), false).await,
                Self::CloudWatch => by_worker(url, &tally, Some(Metrics::new()), true).await,
            }
        })
    }
}

/// Counts the records that come, from the first answer to the last record.
#[derive(Debug)]
struct Tally {
    meter: Meter,
    /// Records of each shard.
    each: usize,
    first: OnceLock<Duration>,
    records: AtomicUsize,
    spent: OnceLock<Spent>,
    done: Notify,
}

impl Tally {
    fn new(each: usize) -> Self {
        Self {
            meter: Meter::start(),
            each,
            first: OnceLock::new(),
            records: AtomicUsize::new(0),
            spent: OnceLock::new(),
            done: Notify::new(),
        }
    }

    fn count(&self, records: usize) {
        let first = *self.first.get_or_init(|| self.meter.elapsed());
        let all = SHARDS * self.each;
        let before = self.records.fetch_add(records, Ordering::Relaxed);
        assert!(before + records <= all, "a record came twice");
        if before + records == all {
            self.spent.get_or_init(|| self.meter.stop(first));
            self.done.notify_one();
        }
    }

    fn spent(&self) -> Spent {
        *self.spent.get().unwrap()
    }
}

async fn by_sdk(url: &str, tally: &Arc<Tally>) -> Spent {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let client = Client::from_conf(kinesis::config(url).http_client(http).build());
    let mut shards = JoinSet::new();
    for shard in shard_ids() {
        shards.spawn(shard_by_sdk(client.clone(), shard, Arc::clone(tally)));
    }
    shards.join_all().await;
    tally.spent()
}

async fn shard_by_sdk(client: Client, shard: String, tally: Arc<Tally>) {
    let iterator = client.get_shard_iterator().stream_name(STREAM).shard_id(shard);
    let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await;
    let mut iterator = iterator.unwrap().shard_iterator.unwrap();
    let mut records = 0;
    while records < tally.each {
        let read = client.get_records().shard_iterator(iterator).limit(10_000);
        let answer = read.send().await.unwrap();
        tally.count(answer.records.len());
        records += answer.records.len();
        iterator = answer.next_shard_iterator.unwrap();
    }
}

async fn by_source(url: &str, tally: &Arc<Tally>) -> Spent {
    let source = source(url);
    let mut shards = JoinSet::new();
    for shard in shard_ids() {
        shards.spawn(shard_by_source(source.clone(), shard, Arc::clone(tally)));
    }
    shards.join_all().await;
    tally.spent()
}

async fn shard_by_source(source: KinesisSource, shard: String, tally: Arc<Tally>) {
    let stream = source.describe().await.unwrap().key;
    let shard = shard.parse().unwrap();
    let mut reader = source.open(&stream, &shard, StartAt::TrimHorizon).await.unwrap();
    let mut records = 0;
    while records < tally.each {
        match reader.next(ByteLimit(64 << 20)).await.unwrap() {
            ReadEvent::Batch(batch) => {
                tally.count(batch.records.len());
                records += batch.records.len();
            }
            other => unreachable!("{other:?}"),
        }
    }
}

async fn by_worker(url: &str, tally: &Arc<Tally>, metrics: Option<Metrics>, sends: bool) -> Spent {
    let count = Arc::clone(tally);
    let process = move |batch: RecordBatch| {
        count.count(batch.len());
        async { Ok::<(), ProcessorError>(()) }
    };
    let mut worker = Worker::builder(source(url), MemoryStore::new("drain"));
    if let Some(metrics) = &metrics {
        worker = worker.observer(metrics.clone());
    }
    let sending: Vec<CloudWatch> = match &metrics {
        Some(metrics) if sends => {
            let endpoint = collector::start();
            let settings = CloudWatchSettings::new("drain").region("us-east-1");
            let settings = settings.level(Level::Detailed).period(Duration::from_secs(1));
            let settings = settings.endpoint_url(endpoint);
            let by = |names| CloudWatch::start(settings.clone().names(names), metrics.clone());
            vec![by(Names::Ours).unwrap(), by(Names::Kcl).unwrap()]
        }
        _ => Vec::new(),
    };
    for cloudwatch in &sending {
        worker = worker.observer(cloudwatch.observer());
    }
    let worker = worker.for_each_batch(process).build().unwrap();
    worker.run_until(tally.done.notified()).await.unwrap();
    if let Some(metrics) = metrics {
        // What was counted is what was drained.
        let batches = metrics.snapshot().number("kcl_batches_total", &[("outcome", "done")]);
        assert!(batches > Some(0.0), "{batches:?} batches were counted");
        drop(sending);
        assert!(!sends || collector::requests() > 0, "CloudWatch was sent nothing");
    }
    tally.spent()
}

fn source(url: &str) -> KinesisSource {
    KinesisSource::builder(STREAM).client_config(kinesis::config(url)).build().unwrap()
}

fn shard_ids() -> impl Iterator<Item = String> {
    (0..SHARDS).map(|index| format!("shardId-{index:012}"))
}
