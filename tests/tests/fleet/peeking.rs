//! `kcl peek` shows records of a shard beside a fleet that reads it, and touches nothing.

use anyhow::{Context, Result, ensure};
use kcl_core::lease::Lease;
use kcl_tests::fleet::Launch;
use serde_json::Value;

use super::stage::{self, KCL, Servers, Stage, on_each_pair};

on_each_pair!(records_are_shown_from_anywhere_and_nothing_is_touched);

const SHARD: &str = "shardId-000000000000";

/// What `kcl peek` writes: a record a line, and what it says beside.
async fn peek(launch: &Launch, words: &[&str]) -> Result<(Vec<Value>, String)> {
    let mut command = Launch::command(KCL.as_ref());
    command.args(["peek", "--stream", &launch.stream, "--region", "us-east-1"]);
    command.args(["--kinesis-endpoint", &launch.kinesis]).args(words);
    let output = stage::run(command).await?;
    let said = String::from_utf8(output.stderr)?;
    ensure!(output.status.success() || !said.is_empty(), "{words:?}");
    let lines = std::str::from_utf8(&output.stdout)?.lines().map(serde_json::from_str);
    Ok((lines.collect::<Result<_, _>>().context("lines of JSON")?, said))
}

async fn records_are_shown_from_anywhere_and_nothing_is_touched(servers: Servers) -> Result<()> {
    let mut stage = Stage::new(servers, "peek", 1).await?;
    stage.producer.put(5).await?;
    stage.fleet.start("a")?;
    stage.until_delivered().await?;
    let kept = |leases: &[Lease]| {
        let mut shards = leases.iter().filter(|row| !row.key.is_role());
        shards.all(|row| matches!(row.checkpoint, kcl_core::lease::Checkpoint::After(_)))
    };
    stage.fleet.until_leases("it is checkpointed", kept).await?;
    let rows = async || -> Vec<_> {
        let leases = stage.fleet.leases().await;
        let rows = leases.into_iter().filter(|row| !row.key.is_role());
        rows.map(|row| (row.epoch, row.checkpoint)).collect()
    };
    let before = rows().await;
    let launch = &stage.fleet.launch;
    let put: Vec<&str> = stage.producer.produced.iter().map(|it| it.sequence.as_str()).collect();
    let numbers = |lines: &[Value]| -> Vec<String> {
        let number = |line: &Value| line["sequence_number"].as_str().unwrap_or_default().to_owned();
        lines.iter().map(number).collect()
    };
    let from = async |at: &str, limit: &str| {
        peek(launch, &["--shard", SHARD, "--at", at, "--limit", limit]).await
    };
    let (three, _) = from("trim-horizon", "3").await?;
    ensure!(numbers(&three) == put[..3], "{three:?}");
    let (rest, said) = from(put[3], "9").await?;
    ensure!(numbers(&rest) == put[3..] && said.contains("no more records yet"), "{said}");
    let (none, said) = from("yesterday", "1").await?;
    ensure!(none.is_empty() && said.contains("trim-horizon"), "{said}");
    let (none, said) = peek(launch, &["--shard", "shardId-000000000009"]).await?;
    ensure!(none.is_empty() && said.contains("no shard shardId-000000000009"), "{said}");
    ensure!(rows().await == before, "checkpoints and epochs are as they were");
    Ok(())
}
