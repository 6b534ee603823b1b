//! Shards are shared out evenly, whoever comes when.

use anyhow::{Result, ensure};
use kcl_tests::fleet::Fleet;

use super::stage::{Servers, Stage, on_each_pair};

on_each_pair!(three_workers_share_twenty_shards_seven_seven_six);

async fn three_workers_share_twenty_shards_seven_seven_six(servers: Servers) -> Result<()> {
    let mut stage = Stage::new(servers, "three-share-twenty", 20).await?;
    stage.producer.put(400).await?;
    stage.fleet.start_all(&["a", "b", "c"])?;
    stage.fleet.until_shared(&[7, 7, 6]).await?;
    stage.producer.put(400).await?;
    stage.until_delivered().await?;
    stage.judge().await?.check_repeats_of(&[])?;
    for worker in ["a", "b", "c"] {
        stage.fleet.leave(worker).await?;
    }
    stage.judge().await?.check_repeats_of(&[])?;
    stage.check_checkpoints().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_workers_started_at_once_on_an_empty_store_lose_nobody() -> Result<()> {
    let mut stage = Stage::new(Servers::Node, "five-at-once", 10).await?;
    stage.producer.put(200).await?;
    stage.fleet.start_all(&["a", "b", "c", "d", "e"])?;
    stage.fleet.until_shared(&[2, 2, 2, 2, 2]).await?;
    stage.until_delivered().await?;
    ensure!(stage.fleet.lost()?.is_empty(), "lost: {:?}", stage.fleet.lost()?);
    stage.judge().await?.check_repeats_of(&[])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_applications_in_one_table_each_read_everything() -> Result<()> {
    let servers = Servers::InProcess;
    let mut stage = Stage::with(servers, "two-applications", 4, |mut launch| {
        launch.table = Some("shared-table".to_owned());
        launch
    })
    .await?;
    let mut launch = stage.fleet.launch.clone();
    launch.application = "another-application".to_owned();
    let mut other = Fleet::new(launch)?;
    stage.producer.put(200).await?;
    // Workers of the same names are no relation of one another.
    stage.fleet.start_all(&["a", "b"])?;
    other.start_all(&["a", "b"])?;
    stage.fleet.until_shared(&[2, 2]).await?;
    other.until_shared(&[2, 2]).await?;
    stage.producer.put(200).await?;
    stage.until_delivered().await?;
    stage.judge().await?.check_repeats_of(&[])?;
    std::mem::swap(&mut stage.fleet, &mut other);
    stage.until_delivered().await?;
    stage.judge().await?.check_repeats_of(&[])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_logged_tells_which_worker_and_which_run_it_is_about() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "spans", 2).await?;
    stage.fleet.start("a")?;
    stage.fleet.until_shared(&[2]).await?;
    stage
        .fleet
        .until("a read", |history| history.log.iter().any(|line| line.message == "kcl.read.first"))
        .await?;
    let history = stage.fleet.caught_up();
    let spans = |event: &str| {
        let line = history.log.iter().find(|line| line.message == event);
        line.map(|line| line.spans.clone()).unwrap_or_default()
    };
    // The first is the keeper's, on a thread of its own; the other a run's.
    ensure!(spans("kcl.lease.gained") == ["kcl.worker"], "{:?}", history.log);
    ensure!(spans("kcl.read.first") == ["kcl.worker", "kcl.run"], "{:?}", history.log);
    Ok(())
}
