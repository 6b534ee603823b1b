//! `kcl consume --dead-letter`: where a record goes that the operator gives up.

use std::{fs, process::Stdio};

use anyhow::{Context, Result, ensure};
use kcl_tests::fleet::{Process, Signal};
use serde_json::Value;

use super::{
    skipping::until_stuck,
    stage::{self, Servers, Stage, ended},
};

/// More than fits into a pipe and the buffers on both sides of it.
const FLOOD: usize = 6_000;

/// What the first record holds.
const DATA: &str = "a record that nobody takes";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_consume_is_stuck_on_is_kept_in_the_file_when_it_is_skipped() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "dead-letters", 1).await?;
    let first = stage.stream.put("key", None, DATA.as_bytes()).await?;
    stage.producer.put(FLOOD).await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("dead.jsonl");
    let mut launch = stage.fleet.launch.clone().set("delivery.watchdog=1s");
    launch = launch.with(&["--dead-letter", file.to_str().context("a path")?]);
    launch.log = "warn".to_owned();
    // Nobody reads what it writes.
    let mut command = launch.consumer("w1");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = Process::spawn(&mut command)?;
    stage.fleet.store().prepare().await?;
    let at = until_stuck(stage.fleet.store()).await?.first.to_string();
    let words = ["leases", "skip", "shardId-000000000000", "--record", &at, "--yes"];
    let skipped = stage::run(stage::command(&launch, &words)).await?;
    let said = String::from_utf8_lossy(&skipped.stderr).into_owned();
    ensure!(skipped.status.success() && said.contains("the dead letter keeps"), "{said}");

    let kept = fs::read_to_string(&file)?;
    let lines: Vec<Value> = kept.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    ensure!(lines.len() == 1, "{lines:?}");
    let (letter, record) = (&lines[0], &lines[0]["record"]);
    ensure!(letter["position"] == at && letter["shard"] == "shardId-000000000000", "{letter}");
    ensure!(letter["worker"] == "w1" && letter["application"] == "dead-letters", "{letter}");
    ensure!(letter["error"].as_str().is_some_and(|it| it.contains("no progress")), "{letter}");
    ensure!(record["sequence_number"] == first && record["data"] == DATA, "{letter}");
    ensure!(record["stream"] == "dead-letters" && record["partition_key"] == "key", "{letter}");

    process.signal(Signal::TERM)?;
    ended(&mut process).await?;
    let log = String::from_utf8(process.into_output()?.stderr)?;
    ensure!(!log.contains(DATA), "what a record holds is in the log: {log}");
    Ok(())
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_refused_before_anything_is_read() -> Result<()> {
    let stage = Stage::new(Servers::InProcess, "dead-letters-nowhere", 1).await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("missing").join("dead.jsonl");
    let launch = stage.fleet.launch.clone();
    let launch = launch.with(&["--dead-letter", file.to_str().context("a path")?]);
    let output = stage::run(launch.consumer("w1")).await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success() && output.stdout.is_empty(), "{said}");
    ensure!(said.contains("missing/dead.jsonl") && said.contains("--dead-letter"), "{said}");
    ensure!(stage.fleet.leases().await.is_empty(), "it has taken leases");
    Ok(())
}
