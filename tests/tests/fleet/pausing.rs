//! Processes that stand still for longer than their session, and come back.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kcl_tests::fleet::Signal;

use super::stage::{Servers, Stage, pause};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planner_that_stands_still_is_replaced_and_comes_back_as_a_follower() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "planner-pauses", 10).await?;
    stage.fleet.start_all(&["a", "b", "c"])?;
    stage.fleet.until_shared(&[4, 3, 3]).await?;
    let load = stage.producer.clone().go_on(20, Duration::from_millis(100));
    let planner = stage.fleet.planner().await?;
    stage.fleet.signal(&planner, Signal::STOP)?;
    stage.fleet.until_shared(&[5, 5]).await?;
    stage.fleet.signal(&planner, Signal::CONT)?;
    stage.fleet.until_shared(&[4, 3, 3]).await?;
    ensure!(stage.fleet.planner().await? != planner, "{planner} took the role back");
    stage.producer = load.stop().await?;
    stage.until_delivered().await?;
    stage.judge().await?.check_repeats_of(&[&planner])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_paused_for_twelve_seconds_repeats_no_more_than_it_had_not_checkpointed()
-> Result<()> {
    let mut stage = Stage::new(Servers::Node, "worker-pauses", 6).await?;
    stage.fleet.start_all(&["a", "b", "c"])?;
    stage.fleet.until_shared(&[2, 2, 2]).await?;
    let load = stage.producer.clone().go_on(20, Duration::from_millis(100));
    pause(7_000).await;
    let planner = stage.fleet.planner().await?;
    let paused = ["a", "b", "c"].into_iter().find(|worker| *worker != planner);
    let paused = paused.context("no follower")?;
    stage.fleet.signal(paused, Signal::STOP)?;
    // What it had sent arrives.
    pause(300).await;
    let uncheckpointed = stage.fleet.uncheckpointed(paused).await;
    pause(12_000).await;
    stage.fleet.signal(paused, Signal::CONT)?;
    stage.fleet.until_shared(&[2, 2, 2]).await?;
    stage.producer = load.stop().await?;
    stage.until_delivered().await?;
    let verdict = stage.judge().await?;
    verdict.check_repeats_of(&[paused])?;
    let repeated = verdict.repeats.len();
    ensure!(repeated <= uncheckpointed, "{repeated} came twice, {uncheckpointed} were due");
    for worker in ["a", "b", "c"] {
        stage.fleet.leave(worker).await?;
    }
    stage.check_checkpoints().await
}
