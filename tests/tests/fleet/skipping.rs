//! A shard is stuck on one record: the operator names it by command, and the shard goes on.

use std::{
    process::Output,
    sync::{Arc, Mutex},
};

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use kcl_core::{
    lease::{DocName, report::WorkerReport},
    processor::{LeaseHandle, ProcessorError, RecordBatch},
    store::LeaseStore,
    stream::Record,
    worker::{DeadLetter, Worker},
};
use kcl_dynamo::DynamoStore;
use kcl_postgres::PostgresStore;
use kcl_tests::{fleet::Launch, kinesis::TestStream, postgres::short_settings, servers::Postgres};
use serde_json::Value;

use super::stage::{self, KCL, Servers, pause};

/// Numbers that records hold.
#[derive(Clone, Default)]
struct Noted(Arc<Mutex<Vec<usize>>>);

impl Noted {
    fn add(&self, number: usize) {
        self.0.lock().unwrap().push(number);
    }

    fn all(&self) -> Vec<usize> {
        self.0.lock().unwrap().clone()
    }
}

fn number(record: &Record) -> Result<usize, ProcessorError> {
    Ok(std::str::from_utf8(&record.data)?.parse()?)
}

#[async_trait]
impl DeadLetter for Noted {
    async fn bury(&self, record: &Record, _: &LeaseHandle, _: &str) -> Result<(), ProcessorError> {
        self.add(number(record)?);
        Ok(())
    }
}

/// Records that are put, and the one among them that cannot be processed.
const RECORDS: usize = 20;
const POISON: usize = 11;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_record_on_which_a_shard_is_stuck_is_skipped_on_a_dynamodb_api_server() -> Result<()> {
    let name = "skip-dynamodb";
    let servers = Servers::InProcess;
    let launch = Launch::new(KCL, name, servers.kinesis(), servers.dynamodb());
    let store = DynamoStore::builder(name)
        .client_config(kcl_tests::dynamo::config(servers.dynamodb()))
        .build()?;
    skips_one_record(launch, Arc::new(store)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_record_on_which_a_shard_is_stuck_is_skipped_on_postgres() -> Result<()> {
    let server = Postgres::start()?;
    let name = "skip-postgres";
    let servers = Servers::InProcess;
    let mut launch = Launch::new(KCL, name, servers.kinesis(), servers.dynamodb());
    launch.other_store = Some(server.url());
    skips_one_record(launch, Arc::new(PostgresStore::new(name, &server.url())?)).await
}

async fn skips_one_record(launch: Launch, store: Arc<dyn LeaseStore>) -> Result<()> {
    store.prepare().await?;
    let stream = TestStream::create(&launch.kinesis, &launch.stream, 1).await?;
    let mut places = Vec::new();
    for record in 0..RECORDS {
        places.push(stream.put("key", None, record.to_string().as_bytes()).await?);
    }
    let (processed, buried) = (Noted::default(), Noted::default());
    let log = processed.clone();
    let worker = Worker::shared_builder(Arc::new(stream.source()), Arc::clone(&store))
        .worker_id("w1".parse()?)
        .settings(short_settings())
        .dead_letter(buried.clone())
        .for_each_batch(move |batch: RecordBatch| {
            let log = log.clone();
            async move {
                let numbers: Vec<usize> = batch.iter().map(number).collect::<Result<_, _>>()?;
                if numbers.contains(&POISON) {
                    return Err("poison".into());
                }
                numbers.into_iter().for_each(|number| log.add(number));
                Ok(())
            }
        })
        .build()?;
    let handle = worker.handle();
    #[expect(clippy::disallowed_methods, reason = "a test may spawn")]
    let running = tokio::spawn(worker.run());
    until_stuck(&*store).await?;

    let shard = "shardId-000000000000";
    let skip = async |record: &str| -> Result<Output> {
        let words = ["leases", "skip", shard, "--record", record, "--yes", "--json"];
        stage::run(stage::command(&launch, &words)).await
    };
    let refused = async |record: &str, says: &str| -> Result<()> {
        let output = skip(record).await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(!output.status.success() && said.contains(says), "{record}: {said}");
        Ok(())
    };
    let beyond = format!("9{}", places[0]);
    refused(&beyond, "comes after the batch").await?;
    ensure!(processed.all().is_empty() && buried.all().is_empty(), "nothing is changed");
    // Another than the one that fails is processed, and so is what comes before it.
    refused(&places[POISON - 3], "is not the record that fails").await?;
    ensure!(buried.all().is_empty(), "{:?}", buried.all());
    refused(&places[0], "comes before the batch").await?;

    let output = skip(&places[POISON]).await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() && said.contains("the dead letter keeps"), "{said}");
    let shown: Value = serde_json::from_slice(&output.stdout)?;
    let note = shown["notes"][0].as_str().context("a note")?;
    ensure!(note.contains("dead letter") && shown["moves"] == Value::Array(vec![]), "{shown:#}");
    let all = (0..RECORDS).filter(|record| *record != POISON).collect::<Vec<_>>();
    for _ in 0..500 {
        if processed.all().len() == all.len() {
            break;
        }
        pause(20).await;
    }
    ensure!((processed.all(), buried.all()) == (all, vec![POISON]), "{:?}", processed.all());
    refused(&places[RECORDS - 1], "is not stuck").await?;
    handle.shut_down();
    Ok(running.await??)
}

/// Waits until the worker tells that a shard is stuck.
async fn until_stuck(store: &dyn LeaseStore) -> Result<()> {
    let name = DocName::report(&"w1".parse()?);
    for _ in 0..1_500 {
        let report = store.doc(&name).await?.and_then(|doc| WorkerReport::decode(&doc.body));
        if report.is_some_and(|it| it.shards.values().any(|shard| shard.stuck.is_some())) {
            return Ok(());
        }
        pause(20).await;
    }
    anyhow::bail!("the worker does not tell that a shard is stuck")
}
