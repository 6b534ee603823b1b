//! Workers die without a word; the others take over and nothing is lost.

use std::time::Duration;

use anyhow::{Context, Result};
use kcl_tests::fleet::{History, LogLine, Signal};

use super::stage::{Servers, Stage, pause};

/// A fleet that shares ten shards, whose records flow meanwhile; some are killed, and it is judged
/// by what came out.
async fn survives(mut stage: Stage, killed: &[String], shares: &[usize]) -> Result<()> {
    let load = stage.producer.clone().go_on(20, Duration::from_millis(100));
    pause(1_500).await;
    for worker in killed {
        stage.fleet.signal(worker, Signal::KILL)?;
    }
    stage.fleet.until_shared(shares).await?;
    stage.producer = load.stop().await?;
    stage.until_delivered().await?;
    let killed: Vec<&str> = killed.iter().map(String::as_str).collect();
    stage.judge().await?.check_repeats_of(&killed)
}

async fn fleet_of(servers: Servers, name: &str, workers: &[&str], even: &[usize]) -> Result<Stage> {
    let mut stage = Stage::new(servers, name, 10).await?;
    stage.fleet.start_all(workers)?;
    stage.fleet.until_shared(even).await?;
    Ok(stage)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_follower_is_replaced() -> Result<()> {
    let stage = fleet_of(Servers::InProcess, "follower", &["a", "b", "c"], &[4, 3, 3]).await?;
    let planner = stage.fleet.planner().await?;
    let follower = ["a", "b", "c"].into_iter().find(|worker| *worker != planner);
    let follower = follower.context("no follower")?.to_owned();
    survives(stage, &[follower], &[5, 5]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_planner_is_replaced() -> Result<()> {
    let stage = fleet_of(Servers::Node, "planner", &["a", "b", "c"], &[4, 3, 3]).await?;
    let planner = stage.fleet.planner().await?;
    survives(stage, &[planner], &[5, 5]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn planner_and_standby_killed_together_are_replaced() -> Result<()> {
    let workers = ["a", "b", "c", "d"];
    let stage = fleet_of(Servers::InProcess, "both", &workers, &[3, 3, 2, 2]).await?;
    let both = [stage.fleet.planner().await?, stage.fleet.standby().await?];
    assert_ne!(both[0], both[1]);
    survives(stage, &both, &[5, 5]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_killed_and_started_again_under_its_id_goes_on() -> Result<()> {
    let mut stage = fleet_of(Servers::Node, "again", &["a", "b", "c"], &[4, 3, 3]).await?;
    let load = stage.producer.clone().go_on(20, Duration::from_millis(100));
    pause(1_000).await;
    stage.fleet.signal("b", Signal::KILL)?;
    stage.fleet.gone("b").await?;
    let before = stage.fleet.caught_up().log.len();
    stage.fleet.start("b")?;
    // It holds leases again.
    let gains = |line: &LogLine| line.message == "kcl.lease.gained" && &*line.worker == "b";
    let again = |history: &History| history.log[before..].iter().any(gains);
    stage.fleet.until("the new life holds leases", again).await?;
    stage.fleet.until_shared(&[4, 3, 3]).await?;
    stage.producer = load.stop().await?;
    stage.until_delivered().await?;
    stage.judge().await?.check_repeats_of(&["b"])
}
