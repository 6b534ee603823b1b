//! The rest of the command, around a fleet.

use std::process::Stdio;

use anyhow::{Result, ensure};
use kcl_tests::{
    fleet::{Launch, Process},
    kinesis::TestStream,
    servers::{Postgres, RedisMake, RedisServer},
};
use serde_json::Value;

use super::stage::{self, KCL, Servers, Stage};

/// Runs `kcl` against the servers, and returns what it wrote to standard output.
async fn kcl(stage: &Stage, arguments: &[&str]) -> Result<String> {
    let launch = &stage.fleet.launch;
    let mut command = Launch::command(KCL.as_ref());
    command.args(arguments).args(["--region", "us-east-1"]);
    command.args(["--kinesis-endpoint", &launch.kinesis]);
    command.args(["--dynamodb-endpoint", &launch.dynamodb]);
    let output = stage::run(command).await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{arguments:?}: {said}");
    Ok(String::from_utf8(output.stdout)?)
}

/// How `kcl` ends when nobody reads what it writes, and what it says then.
async fn unread(stage: &Stage, arguments: &[&str]) -> Result<(Option<i32>, String)> {
    let launch = &stage.fleet.launch;
    let mut command = Launch::command(KCL.as_ref());
    command.args(arguments).args(["--region", "us-east-1"]);
    command.args(["--dynamodb-endpoint", &launch.dynamodb]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = Process::spawn(&mut command)?;
    drop(process.child().stdout.take());
    let status = stage::ended(&mut process).await?;
    Ok((status.code(), String::from_utf8(process.into_output()?.stderr)?))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_made_filled_read_resharded_and_looked_at_by_commands() -> Result<()> {
    const NAME: &str = "by-commands";
    let mut stage = Stage::new(Servers::InProcess, "around", 1).await?;
    stage.fleet.launch.stream = NAME.to_owned();
    kcl(&stage, &["stream", "create", "--stream", NAME, "--shards", "2"]).await?;
    let put = ["produce", "--stream", NAME, "--total", "150", "--batch-delay-ms", "1"];
    kcl(&stage, &put).await?;
    stage.fleet.start_all(&["a", "b"])?;
    stage.fleet.until_shared(&[1, 1]).await?;
    stage.fleet.until_delivered(150).await?;
    kcl(&stage, &["stream", "reshard", "--stream", NAME, "--to", "4"]).await?;
    stage.fleet.until_shared(&[2, 2]).await?;

    let list = ["leases", "list", "--app", "around", "--store", "dynamodb", "--format", "json"];
    let look: Value = serde_json::from_str(&kcl(&stage, &list).await?)?;
    ensure!(look["streams"][0]["stream"] == NAME, "{look:#}");
    let list = ["leases", "list", "--app", "around", "--no-wait"];
    let table = kcl(&stage, &list).await?;
    ensure!(table.contains(&format!("\nstream {NAME}, created 20")), "{table}");
    ensure!(unread(&stage, &list).await? == (Some(141), String::new()));
    let of = |what: &str| look[what].as_array().map_or(&[][..], Vec::as_slice);
    let owners = of("leases").iter().filter(|lease| lease["owner"].is_string());
    ensure!(owners.count() == 4 && of("workers").len() == 2, "{look:#}");

    for worker in ["a", "b"] {
        stage.fleet.leave(worker).await?;
    }
    kcl(&stage, &["stream", "delete", "--stream", NAME]).await?;
    let gone = TestStream::named(Servers::InProcess.kinesis(), NAME).shards().await;
    ensure!(gone.is_err(), "{gone:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_moves_from_store_to_store_and_repeats_nothing() -> Result<()> {
    const APP: &str = "moving";
    let (redis, postgres) = (RedisServer::start(RedisMake::Redis)?, Postgres::start()?);
    let stores = ["dynamodb".to_owned(), redis.url(), postgres.url()];
    let mut stage = Stage::new(Servers::InProcess, APP, 3).await?;
    for (number, store) in stores.iter().enumerate() {
        if number > 0 {
            let from = &stores[number - 1];
            let copy = ["leases", "copy", "--app", APP, "--from", from, "--to", store];
            let copied: Value = serde_json::from_str(&kcl(&stage, &copy).await?)?;
            // Three shards and the planner's role.
            ensure!(copied["leases"] == 4, "{copied}");
        }
        stage.fleet.launch.other_store = Some(store.clone());
        let worker = ["a", "b", "c"][number];
        stage.fleet.start(worker)?;
        stage.producer.put(60).await?;
        stage.until_delivered().await?;
        let copy = ["leases", "copy", "--app", APP, "--from", store, "--to", "dynamodb://other"];
        let refused = kcl(&stage, &copy).await.unwrap_err().to_string();
        ensure!(refused.contains("workers live") && refused.contains(worker), "{refused}");
        stage.fleet.leave(worker).await?;
    }
    stage.judge().await?.check_repeats_of(&[])
}
