//! All workers are replaced one after another, as a rollout does: how many leases move for it.
//! `cargo bench -p kcl-tests --bench rebalance -- --only roll` says how long that takes.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::stage::{Servers, Stage, pause};

const SHARDS: i32 = 9;

/// A fleet of three under load.
async fn begin(name: &str) -> Result<(Stage, kcl_tests::fleet::Load)> {
    let mut stage = Stage::new(Servers::InProcess, name, SHARDS).await?;
    stage.fleet.start_all(&["a", "b", "c"])?;
    stage.fleet.until_shared(&[3, 3, 3]).await?;
    let load = stage.producer.clone().go_on(20, Duration::from_millis(100));
    Ok((stage, load))
}

/// How often a lease has gone to somebody so far.
fn moves(stage: &Stage) -> usize {
    stage.fleet.caught_up().events("kcl.lease.gained").count()
}

/// Everything was delivered once, and each lease moved so often at most.
async fn check(mut stage: Stage, load: kcl_tests::fleet::Load, most: usize) -> Result<()> {
    stage.producer = load.stop().await?;
    stage.until_delivered().await?;
    stage.judge().await?.check_repeats_of(&[])?;
    let shards = usize::try_from(SHARDS)?;
    let moved = moves(&stage) - shards;
    // Each was somebody's who is gone.
    ensure!((shards..=most).contains(&moved), "{moved} moves of {shards} leases, {most} at most");
    Ok(())
}

/// A StatefulSet: a pod goes, and its successor of the same name comes. Its leases go to the
/// others, and as many come back: two moves a lease.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_that_keeps_names_moves_each_lease_twice() -> Result<()> {
    let (mut stage, load) = begin("rolling-same").await?;
    for worker in ["a", "b", "c"] {
        stage.fleet.leave(worker).await?;
        stage.fleet.start(worker)?;
        stage.fleet.until_shared(&[3, 3, 3]).await?;
        pause(500).await;
    }
    check(stage, load, 18).await
}

/// A Deployment with one pod more meanwhile: a newcomer takes its share of four, then a pod goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_with_new_names_moves_each_lease_less_than_twice() -> Result<()> {
    let (mut stage, load) = begin("rolling-surge").await?;
    for (old, new) in [("a", "d"), ("b", "e"), ("c", "f")] {
        stage.fleet.start(new)?;
        stage.fleet.until_shared(&[3, 2, 2, 2]).await?;
        stage.fleet.leave(old).await?;
        stage.fleet.until_shared(&[3, 3, 3]).await?;
        pause(500).await;
    }
    // Two to the newcomer, and at most three of the one that goes.
    check(stage, load, 15).await
}
