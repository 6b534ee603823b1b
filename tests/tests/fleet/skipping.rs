//! A shard is stuck on one record: the operator names it, by command or on the dashboard, and the
//! shard goes on.

use std::{
    process::Output,
    sync::{Arc, Mutex},
};

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use kcl_core::{
    lease::{
        DocName,
        report::{Stuck, WorkerReport},
    },
    processor::{LeaseHandle, ProcessorError, RecordBatch},
    store::LeaseStore,
    stream::Record,
    worker::{DeadLetter, Worker},
};
use kcl_dynamo::DynamoStore;
use kcl_postgres::PostgresStore;
use kcl_tests::{
    browser::Browser, dashboard::Dashboard, fleet::Launch, kinesis::TestStream,
    postgres::short_settings, servers::Postgres,
};
use serde_json::{Value, json};

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
    async fn send(&self, record: &Record, _: &LeaseHandle, _: &str) -> Result<(), ProcessorError> {
        self.add(number(record)?);
        Ok(())
    }
}

/// Records that are put, and the one among them that cannot be processed.
const SHARD: &str = "shardId-000000000000";
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
    skips_one_record(launch, Arc::new(store), By::Page).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_record_on_which_a_shard_is_stuck_is_skipped_on_postgres() -> Result<()> {
    let server = Postgres::start()?;
    let name = "skip-postgres";
    let servers = Servers::InProcess;
    let mut launch = Launch::new(KCL, name, servers.kinesis(), servers.dynamodb());
    launch.other_store = Some(server.url());
    let store = PostgresStore::new(name, &server.url())?;
    skips_one_record(launch, Arc::new(store), By::Command).await
}

/// How the operator names the record in the end.
#[derive(Clone, Copy, Debug)]
enum By {
    Command,
    Page,
}

async fn skips_one_record(launch: Launch, store: Arc<dyn LeaseStore>, by: By) -> Result<()> {
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

    let skip = async |record: &str| -> Result<Output> {
        let words = ["leases", "skip", SHARD, "--record", record, "--yes", "--json"];
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

    match by {
        By::Command => check_skipped(&skip(&places[POISON]).await?)?,
        By::Page => {
            let dashboard = Dashboard::start(&launch, &["--allow-changes"])?;
            refused_by_requests(&dashboard, &launch.application, &beyond, &places[POISON])?;
            ensure!(buried.all().is_empty() && processed.all().len() < POISON + 1);
            skipped_on_the_page(&dashboard, &launch.application, &places[POISON])?;
        }
    }
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

fn check_skipped(output: &Output) -> Result<()> {
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() && said.contains("the dead letter keeps"), "{said}");
    let shown: Value = serde_json::from_slice(&output.stdout)?;
    let note = shown["notes"][0].as_str().context("a note")?;
    ensure!(note.contains("dead letter") && shown["moves"] == json!([]), "{shown:#}");
    Ok(())
}

/// The same refusals as by command, and nothing is changed.
fn refused_by_requests(
    dashboard: &Dashboard,
    application: &str,
    beyond: &str,
    poison: &str,
) -> Result<()> {
    let act = format!("/app/{application}/act/skip");
    let fields =
        |record: &str, unkept: &str| json!({ "shard": SHARD, "record": record, "unkept": unkept });
    let named = application;
    for (record, unkept, confirm, says) in [
        (beyond, "refuse", named, "comes after the batch"),
        ("<b>", "refuse", named, "the record"),
        (poison, "", named, "is to be filled in"),
        (poison, "perhaps", named, "without a dead letter"),
        (poison, "refuse", "another", "type the application's name"),
    ] {
        let asked = json!({ "fields": fields(record, unkept), "confirm": confirm });
        let refused = dashboard.post(&act, &asked)?;
        ensure!(refused.status == 422 && refused.error().contains(says), "{says}: {refused:?}");
    }
    let undo = format!("/app/{application}/act/unskip/preview");
    let asked = json!({ "fields": { "shard": SHARD, "record": poison } });
    let refused = dashboard.post(&undo, &asked)?;
    ensure!(refused.status == 422 && refused.error().contains("is not given up"), "{refused:?}");
    Ok(())
}

/// From the list of what fails to the record that is skipped.
fn skipped_on_the_page(dashboard: &Dashboard, application: &str, record: &str) -> Result<()> {
    let mut browser = Browser::start()?;
    browser.open(&dashboard.url(&format!("/app/{application}/failures")))?;
    let link =
        "[...document.querySelectorAll('a')].find((it) => /^Skip (it|one)/.test(it.innerText))";
    browser.until(&format!("Boolean({link})"))?;
    browser.picture_for_docs("failures.png")?;
    browser.eval(&format!("{link}.click(); 1"))?;
    browser.until(&format!("document.querySelector('#skip-shard')?.value === {SHARD:?}"))?;
    browser
        .eval("const it = document.querySelector('#skip-record'); it.value = ''; it.focus(); 1")?;
    browser.type_in(record)?;
    browser.press("Enter")?;
    browser.until("document.querySelector('dialog[open]')")?;
    browser.until_shown(&format!("kcl leases skip {SHARD} --record {record} --app"))?;
    browser.until_shown("goes to the worker's dead letter")?;
    browser.picture_for_docs("skip.png")?;
    browser.type_in(application)?;
    browser.press("Enter")?;
    browser.until_shown(&format!("Done: skipped: the dead letter keeps {record}"))?;
    ensure!(browser.complaints.is_empty(), "{:#?}", browser.complaints);
    Ok(())
}

/// Waits until the worker `w1` tells on what a shard is stuck.
pub(crate) async fn until_stuck(store: &dyn LeaseStore) -> Result<Stuck> {
    let name = DocName::report(&"w1".parse()?);
    for _ in 0..1_500 {
        let report = store.doc(&name).await?.and_then(|doc| WorkerReport::decode(&doc.body));
        let mut stuck = report.into_iter().flat_map(|it| it.shards).filter_map(|it| it.1.stuck);
        if let Some(stuck) = stuck.next() {
            return Ok(stuck);
        }
        pause(20).await;
    }
    anyhow::bail!("the worker does not tell that a shard is stuck")
}
