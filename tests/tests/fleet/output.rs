//! Standard output: what is written there, and readers that do not read.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use anyhow::{Context, Result, ensure};
use kcl_core::lease::Checkpoint;
use kcl_tests::fleet::{Process, Signal};

use super::stage::{Servers, Stage, ended, pause};

#[tokio::test]
async fn an_empty_stream_is_read_in_silence_until_the_worker_is_told_to_leave() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "silence", 2).await?;
    stage.fleet.start("a")?;
    stage.fleet.until_shared(&[2]).await?;
    stage.fleet.leave("a").await?;
    ensure!(stage.fleet.caught_up().deliveries.is_empty());
    ensure!(stage.fleet.caught_up().broken.is_empty());
    stage.check_checkpoints().await
}

#[tokio::test]
async fn a_record_of_a_mebibyte_is_written_whole() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "mebibyte", 1).await?;
    let text = "0123456789abcdef".repeat((1 << 20) / 16 - 1);
    let sequence = stage.stream.put("key", None, text.as_bytes()).await?;
    stage.fleet.start("a")?;
    stage.fleet.until_delivered(1).await?;
    let history = stage.fleet.caught_up();
    ensure!(*history.deliveries[0].text == *text && *history.deliveries[0].sequence == *sequence);
    Ok(())
}

/// More than fits into a pipe and the buffers on both sides of it.
const FLOOD: usize = 6_000;

/// The sequence number that each shard's checkpoint stands at.
async fn checkpoints(stage: &Stage) -> Vec<String> {
    let leases = stage.fleet.leases().await;
    let after = leases.into_iter().filter_map(|lease| match lease.checkpoint {
        Checkpoint::After(position) => Some(position.sequence.as_str().to_owned()),
        _ => None,
    });
    after.collect()
}

/// Starts a consumer whose output is a pipe.
fn start_piped(stage: &Stage) -> Result<Process> {
    let mut launch = stage.fleet.launch.clone();
    // A log that nobody reads must not fill its pipe.
    launch.log = "warn".to_owned();
    let mut command = launch.consumer("piped");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(Process::spawn(&mut command)?)
}

#[tokio::test]
async fn a_closed_output_ends_the_worker_quietly_as_a_broken_pipe_ends_others() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "closed", 1).await?;
    stage.producer.put(FLOOD).await?;
    let mut process = start_piped(&stage)?;
    let output = process.child().stdout.take().context("no output")?;
    let mut first = String::new();
    BufReader::new(output).read_line(&mut first)?;
    ensure!(first.contains(&stage.producer.produced[0].sequence), "{first}");
    // The pipe is closed, as by `head -1`.
    let status = ended(&mut process).await?;
    let said = String::from_utf8(process.into_output()?.stderr)?;
    // 128 and SIGPIPE.
    ensure!(status.code() == Some(141) && said.is_empty(), "{status}: {said}");
    let owned = stage.fleet.leases().await.into_iter().filter(|lease| lease.owner.is_some());
    ensure!(owned.count() == 0, "it did not hand its lease over");
    let last = &stage.producer.produced[FLOOD - 1].sequence;
    ensure!(!checkpoints(&stage).await.contains(last), "what was not written is checkpointed");
    Ok(())
}

#[tokio::test]
async fn an_output_that_nobody_reads_does_not_keep_a_worker_from_leaving() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "unread", 1).await?;
    stage.producer.put(FLOOD).await?;
    let mut process = start_piped(&stage)?;
    stage.fleet.until_shared(&[1]).await?;
    // The pipe fills.
    pause(1_000).await;
    stage.fleet.start("next")?;
    process.signal(Signal::TERM)?;
    ended(&mut process).await?;
    stage.until_delivered().await?;
    let written = String::from_utf8_lossy(&process.into_output()?.stdout).into_owned();
    // What was not written by the first was delivered by the next: nothing is missing in between.
    let first = stage.fleet.caught_up().deliveries[0].sequence.to_string();
    let produced = &stage.producer.produced;
    let place = produced.iter().position(|record| record.sequence == first).context("foreign")?;
    ensure!(written.lines().count() >= place, "records before {first} were never written");
    Ok(())
}
