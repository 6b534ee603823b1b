//! Starting again from another position, with real processes.

use anyhow::{Result, bail, ensure};
use kcl_core::{
    change,
    lease::{Checkpoint, Epoch, Lease},
};
use kcl_tests::fleet::{Launch, Process, Signal, wall_millis};
use serde_json::Value;

use super::stage::{self, KCL, Servers, Stage, ended, pause};

/// `kcl leases` for the application of the stage.
fn leases(stage: &Stage, arguments: &[&str]) -> std::process::Command {
    let launch = &stage.fleet.launch;
    let mut command = Launch::command(KCL.as_ref());
    command.arg("leases").args(arguments).args(["--region", "us-east-1"]);
    command.args(["--app", &launch.application, "--store", &launch.store()]);
    command.args(["--kinesis-endpoint", &launch.kinesis]);
    command.args(["--dynamodb-endpoint", &launch.dynamodb]);
    command
}

/// Runs it; what it wrote to standard output, or why it failed.
async fn kcl(stage: &Stage, arguments: &[&str]) -> Result<String> {
    let output = stage::run(leases(stage, arguments)).await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{arguments:?}: {said}");
    Ok(String::from_utf8(output.stdout)?)
}

async fn refused(stage: &Stage, arguments: &[&str]) -> Result<String> {
    match kcl(stage, arguments).await {
        Ok(said) => bail!("{arguments:?} was not refused: {said}"),
        Err(error) => Ok(error.to_string()),
    }
}

/// How many records a worker has written.
fn of(stage: &Stage, worker: &str) -> usize {
    let history = stage.fleet.caught_up();
    history.deliveries.iter().filter(|record| *record.worker == *worker).count()
}

/// A worker reads so many records, no more for a while, and leaves.
async fn reads(stage: &mut Stage, worker: &str, records: usize) -> Result<()> {
    stage.fleet.start(worker)?;
    let all = |history: &kcl_tests::fleet::History| {
        history.deliveries.iter().filter(|it| *it.worker == *worker).count() >= records
    };
    stage.fleet.until(&format!("{worker} reads {records}"), all).await?;
    pause(1_500).await;
    stage.fleet.leave(worker).await?;
    let read = of(stage, worker);
    ensure!(read == records, "{worker} has read {read} records, not {records}");
    Ok(())
}

fn epochs(rows: &[Lease]) -> Vec<Epoch> {
    rows.iter().map(|row| row.epoch).collect()
}

fn spots(rows: &[Lease]) -> Vec<Checkpoint> {
    rows.iter().map(|row| row.checkpoint.clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_read_again_and_a_reset_is_taken_back() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "reset-all", 2).await?;
    stage.producer.put(100).await?;
    reads(&mut stage, "a", 100).await?;
    let before = stage.fleet.leases().await;
    let preview = kcl(&stage, &["reset", "--to", "trim-horizon", "--dry-run"]).await?;
    ensure!(preview.matches("TRIM_HORIZON").count() == 2 && preview.contains("back"), "{preview}");
    ensure!(stage.fleet.leases().await == before, "a dry run has changed something");
    let unasked = refused(&stage, &["reset", "--to", "trim-horizon"]).await?;
    ensure!(unasked.contains("--yes"), "{unasked}");

    kcl(&stage, &["reset", "--to", "trim-horizon", "--yes"]).await?;
    let reset = stage.fleet.leases().await;
    ensure!(spots(&reset) == [Checkpoint::TrimHorizon, Checkpoint::TrimHorizon], "{reset:#?}");
    ensure!(epochs(&reset) > epochs(&before), "{reset:#?}");
    kcl(&stage, &["reset", "--undo", "--yes"]).await?;
    let undone = stage.fleet.leases().await;
    ensure!(spots(&undone) == spots(&before), "{undone:#?}");
    ensure!(epochs(&undone) > epochs(&reset), "{undone:#?}");
    stage.producer.put(7).await?;
    reads(&mut stage, "b", 7).await?;

    kcl(&stage, &["reset", "--all", "--to", "trim-horizon", "--yes"]).await?;
    reads(&mut stage, "c", 107).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_starts_again_from_a_time() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "reset-time", 2).await?;
    stage.producer.put(60).await?;
    pause(2_100).await;
    let time = jiff::Timestamp::now();
    pause(1_100).await;
    stage.producer.put(40).await?;
    reads(&mut stage, "a", 100).await?;
    let to = time.to_string();
    let preview = kcl(&stage, &["reset", "--to", &to, "--dry-run", "--format", "json"]).await?;
    let preview: Value = serde_json::from_str(&preview)?;
    ensure!(preview["leases"][0]["move"] == "back", "{preview:#}");
    kcl(&stage, &["reset", "--to", &to, "--yes"]).await?;
    reads(&mut stage, "b", 40).await?;
    let later = refused(&stage, &["reset", "--to", "2126-01-01T00:00:00Z", "--yes"]).await?;
    ensure!(later.contains("2126-01-01") && later.contains("the stream's own time"), "{later}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_shard_is_read_again_from_a_record_on() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "reset-one", 2).await?;
    stage.producer.put(80).await?;
    reads(&mut stage, "a", 80).await?;
    let produced = stage.producer.produced.clone();
    let shard = produced[0].shard.clone();
    let in_shard: Vec<_> = produced.iter().filter(|record| record.shard == shard).collect();
    let (last, middle) = (in_shard.len() - 1, in_shard.len() / 2);
    let to = in_shard[middle].sequence.clone();
    kcl(&stage, &["reset", "--lease", &shard, "--to", &to, "--yes"]).await?;
    reads(&mut stage, "b", last - middle).await?;

    let lease = |lease: &'static str, to: &'static str| ["reset", "--lease", lease, "--to", to];
    let none = refused(&stage, &lease("shardId-9", "latest")).await?;
    ensure!(none.contains("shardId-9") && none.contains(&shard), "{none}");
    let odd = refused(&stage, &["reset", "--lease", &shard, "--to", "4x9"]).await?;
    ensure!(odd.contains("sequence number"), "{odd}");
    for outside in ["17", &format!("{}9", in_shard[last].sequence)] {
        let told = refused(&stage, &["reset", "--lease", &shard, "--to", outside]).await?;
        ensure!(told.contains("record") && told.contains(&shard), "{told}");
    }
    Ok(())
}

/// A worker that lives is named; one that died without a word is waited for, and ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_waits_for_the_dead_and_refuses_the_living() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "reset-alive", 1).await?;
    stage.producer.put(20).await?;
    stage.fleet.start("living")?;
    stage.until_delivered().await?;
    let told = refused(&stage, &["reset", "--to", "latest", "--yes"]).await?;
    ensure!(told.contains("workers live: living"), "{told}");
    // It was opened again: others may join.
    let list: Value = serde_json::from_str(&kcl(&stage, &["list", "--format", "json"]).await?)?;
    ensure!(list["closed"].is_null(), "{list:#}");
    stage.fleet.signal("living", Signal::KILL)?;
    let began = wall_millis();
    kcl(&stage, &["reset", "--to", "trim-horizon", "--yes"]).await?;
    ensure!(wall_millis() - began > 5_000.0, "the dead one was not waited for");
    reads(&mut stage, "next", 20).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_that_is_killed_in_the_midst_goes_on_or_is_taken_back() -> Result<()> {
    const SHARDS: i32 = 40;
    let mut stage = Stage::new(Servers::InProcess, "reset-killed", SHARDS).await?;
    stage.producer.put(120).await?;
    reads(&mut stage, "a", 120).await?;
    let before = stage.fleet.leases().await;
    killed_midway(&stage).await?;

    let list: Value = serde_json::from_str(&kcl(&stage, &["list", "--format", "json"]).await?)?;
    let by = list["closed"]["by"].as_str().unwrap_or_default();
    ensure!(by.contains("leases reset --to trim-horizon"), "{list:#}");
    let other = refused(&stage, &["reset", "--to", "latest", "--yes"]).await?;
    ensure!(other.contains("closed") && other.contains("trim-horizon"), "{other}");
    kcl(&stage, &["reset", "--undo", "--yes"]).await?;
    let undone = stage.fleet.leases().await;
    ensure!(spots(&undone) == spots(&before), "{undone:#?}");

    killed_midway(&stage).await?;
    // Who starts meanwhile waits, and goes on by itself when it is over.
    stage.fleet.start("b")?;
    pause(2_000).await;
    ensure!(of(&stage, "b") == 0, "it reads although the application is closed");
    kcl(&stage, &["reset", "--to", "trim-horizon", "--yes"]).await?;
    let all = |history: &kcl_tests::fleet::History| {
        history.deliveries.iter().filter(|it| *it.worker == *"b").count() >= 120
    };
    stage.fleet.until("b reads everything again", all).await?;
    stage.fleet.leave("b").await
}

/// Starts a reset, and kills it when some rows are rewritten, but not all.
async fn killed_midway(stage: &Stage) -> Result<()> {
    for _ in 0..10 {
        let before = epochs(&stage.fleet.leases().await);
        let mut command = leases(stage, &["reset", "--to", "trim-horizon", "--yes"]);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut process = Process::spawn(&mut command)?;
        let rewritten = loop {
            let now = epochs(&stage.fleet.leases().await);
            let rewritten = now.iter().zip(&before).filter(|(now, before)| now > before).count();
            if rewritten > 0 || process.ended()?.is_some() {
                break rewritten;
            }
            pause(1).await;
        };
        // It may have been faster than this look.
        if process.signal(Signal::KILL).is_ok() {
            ended(&mut process).await?;
            let closed = change::state(stage.fleet.store()).await?;
            if closed.is_some_and(|changing| changing.is_closed()) {
                ensure!(rewritten > 0, "nothing was rewritten yet");
                return Ok(());
            }
        }
    }
    bail!("ten resets were all faster than their killer")
}
