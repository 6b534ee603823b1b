//! What does not answer, or refuses, is unknown: the rest is judged.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kcl_core::env::Env;
use kcl_tests::{fleet::Signal, servers::Link};
use serde_json::json;

use super::look;
use crate::fleet::{
    fake::{FakeKinesis, Reply, one_shard, summary},
    stage::{self, Servers, Stage},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_denied_is_unknown_and_a_dead_fleet_is_told_all_the_same() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "doctor-denied", 2).await?;
    stage.fleet.start("a")?;
    stage.fleet.until_shared(&[2]).await?;
    let denied = FakeKinesis::start(|_, _| Reply::Error("AccessDeniedException")).await?;
    let mut launch = stage.fleet.launch.clone();
    launch.kinesis.clone_from(&denied.url);
    let told = look::until(&launch, "only the stream is unknown", |told| told.code == 2).await?;
    ensure!(told.json["verdict"] == "unknown" && told.json["lag"].is_null(), "{:#}", told.json);
    let unknown = told.unknown();
    ensure!(unknown.contains("retention") && unknown.contains("denied"), "{unknown}");
    ensure!(told.right("kinesis:ListShards") == Some("denied"), "{:#}", told.json);
    ensure!(told.json["counts"]["read"] == 2, "the rows tell: {:#}", told.json);
    stage.fleet.signal("a", Signal::KILL)?;
    let told = look::look(&launch, &[]).await?;
    ensure!(told.code == 1 && told.finding("no-worker").is_some(), "{:#}", told.json);
    // By the store alone, if the operator asks for that.
    let told = look::look(&stage.fleet.launch, &["--no-stream"]).await?;
    ensure!(told.all("unknown").count() == 0, "{}", told.unknown());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_right_to_read_is_tried_by_a_dry_run_and_no_record_is_read_for_it() -> Result<()> {
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/doctor-reading";
    let fake = FakeKinesis::start(move |asked, _| match asked.operation.as_str() {
        "DescribeStreamSummary" => summary(arn, 1, 1_024),
        "ListShards" => one_shard(),
        "GetShardIterator" => Reply::Json(json!({ "ShardIterator": "it" })),
        "GetRecords" if asked.body["DryRun"] == true => Reply::Error("DryRunOperationException"),
        _ => Reply::Error("AccessDeniedException"),
    })
    .await?;
    let mut stage = Stage::new(Servers::InProcess, "doctor-reading", 1).await?;
    stage.fleet.start("a")?;
    stage.fleet.until_shared(&[1]).await?;
    let mut launch = stage.fleet.launch.clone();
    launch.kinesis.clone_from(&fake.url);
    let told = look::look(&launch, &["--lag-of", "0"]).await?;
    ensure!(told.right("kinesis:GetRecords") == Some("allowed"), "{:#}", told.json);
    let reads = fake.asked();
    let mut reads = reads.iter().filter(|asked| asked.operation == "GetRecords");
    ensure!(reads.all(|asked| asked.body["DryRun"] == true), "no record is read for a right");
    let puts = fake.asked().iter().any(|asked| asked.operation.starts_with("Put"));
    ensure!(!puts, "a server that knows no dry runs would write the record");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_stands_still_has_its_deadline_and_the_stream_is_looked_at() -> Result<()> {
    let dynamodb = Servers::InProcess.dynamodb();
    let link = Link::to(dynamodb.rsplit(':').next().context("a port")?.parse()?)?;
    let stage = Stage::new(Servers::InProcess, "doctor-dark", 3).await?;
    let mut launch = stage.fleet.launch.clone();
    launch.dynamodb = format!("http://127.0.0.1:{}", link.port());
    link.hold(true);
    let clock = Env::system().clock;
    let began = clock.now();
    let told = look::look(&launch, &["--stream", "doctor-dark", "--deadline", "1"]).await?;
    ensure!(clock.now().since(began) < Duration::from_secs(20), "each source has its deadline");
    ensure!(told.code == 2, "{:#}", told.json);
    ensure!(told.unknown().contains("who lives"), "{}", told.unknown());
    let counts = &told.json["counts"];
    ensure!(counts["workers"].is_null() && counts["open"].is_null(), "never zero: {counts}");
    ensure!(told.json["stream"]["retention_ms"] == 86_400_000, "{:#}", told.json);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_even_begin_is_told_by_the_exit_code_too() -> Result<()> {
    let stage = Stage::new(Servers::InProcess, "doctor-odd", 1).await?;
    let mut elsewhere = stage.fleet.launch.clone();
    elsewhere.other_store = Some("mysql://h".to_owned());
    let here = &stage.fleet.launch;
    for (launch, odd) in
        [(here, &["--every", "0"][..]), (here, &["--set", "no.such=1"]), (&elsewhere, &[])]
    {
        let output = stage::run(look::command(launch, odd)).await?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.code() == Some(2) && !said.is_empty(), "{odd:?}: {said}");
    }
    let nothing = look::look(&stage.fleet.launch, &["--stream", "doctor-odd"]).await?;
    ensure!(nothing.code == 2, "there is no table yet: {:#}", nothing.json);
    Ok(())
}
