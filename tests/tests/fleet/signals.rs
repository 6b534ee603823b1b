//! Signals: the first asks a worker to leave, a second one a second later forces it.

use std::process::Stdio;

use anyhow::{Result, ensure};
use kcl_tests::fleet::{Process, Signal};

use super::stage::{Servers, Stage, ended, pause};

#[tokio::test]
async fn two_signals_at_once_are_one_and_the_worker_hands_its_leases_over() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "two-signals", 4).await?;
    stage.fleet.start("a")?;
    stage.fleet.until_shared(&[4]).await?;
    // As GNU `timeout` does, to its child and to the child's group.
    stage.fleet.signal("a", Signal::TERM)?;
    stage.fleet.signal("a", Signal::INT)?;
    let status = stage.fleet.gone("a").await?;
    ensure!(status.success(), "{status}");
    let owned = stage.fleet.leases().await.into_iter().filter(|lease| lease.owner.is_some());
    ensure!(owned.count() == 0, "it did not hand its leases over");
    Ok(())
}

/// More than fits into a pipe and the buffers on both sides of it.
const FLOOD: usize = 6_000;

#[tokio::test]
async fn a_signal_after_a_second_forces_the_end_and_is_told() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "forced", 1).await?;
    stage.producer.put(FLOOD).await?;
    let mut launch = stage.fleet.launch.clone();
    launch.log = "warn".to_owned();
    let mut command = launch.consumer("a");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = Process::spawn(&mut command)?;
    stage.fleet.until_shared(&[1]).await?;
    // The pipe, which nobody reads, fills: a worker that leaves waits for it.
    pause(1_000).await;
    process.signal(Signal::TERM)?;
    pause(1_200).await;
    process.signal(Signal::INT)?;
    let status = ended(&mut process).await?;
    let said = String::from_utf8(process.into_output()?.stderr)?;
    ensure!(status.code() == Some(130), "{status}: {said}");
    ensure!(said.contains("kcl.signal.forced") && said.contains("SIGINT"), "{said}");
    let leases = stage.fleet.leases().await;
    ensure!(leases.iter().all(|lease| lease.owner.is_some()), "it was not forced: {leases:?}");
    Ok(())
}
