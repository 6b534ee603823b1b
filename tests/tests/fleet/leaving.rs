//! Workers leave when they are asked to: nothing is delivered twice.

use std::time::Duration;

use anyhow::{Result, ensure};
use kcl_tests::fleet::Signal;

use super::stage::{Servers, Stage, on_each_pair, pause};

on_each_pair!(
    a_planner_that_is_asked_to_leave_hands_everything_over,
    a_fleet_stopped_at_once_and_started_cold_after_splits_keeps_the_order_of_keys,
);

async fn a_planner_that_is_asked_to_leave_hands_everything_over(servers: Servers) -> Result<()> {
    let mut stage = Stage::new(servers, "planner-leaves", 10).await?;
    stage.fleet.start_all(&["a", "b", "c"])?;
    stage.fleet.until_shared(&[4, 3, 3]).await?;
    let load = stage.producer.clone().go_on(20, Duration::from_millis(100));
    pause(1_000).await;
    let planner = stage.fleet.planner().await?;
    stage.fleet.leave(&planner).await?;
    stage.fleet.until_shared(&[5, 5]).await?;
    ensure!(stage.fleet.planner().await? != planner, "{planner} has left, and plans");
    stage.producer = load.stop().await?;
    stage.until_delivered().await?;
    stage.judge().await?.check_repeats_of(&[])
}

async fn a_fleet_stopped_at_once_and_started_cold_after_splits_keeps_the_order_of_keys(
    servers: Servers,
) -> Result<()> {
    const WORKERS: [&str; 3] = ["a", "b", "c"];
    let mut stage = Stage::new(servers, "cold", 10).await?;
    stage.fleet.start_all(&WORKERS)?;
    stage.fleet.until_shared(&[4, 3, 3]).await?;
    let load = stage.producer.clone().go_on(20, Duration::from_millis(50));
    pause(1_000).await;
    for worker in WORKERS {
        stage.fleet.signal(worker, Signal::TERM)?;
    }
    for worker in WORKERS {
        let status = stage.fleet.gone(worker).await?;
        ensure!(status.success(), "{worker} ended with {status}");
    }
    stage.split(10).await?;
    pause(500).await;
    stage.producer = load.stop().await?;
    stage.fleet.start_all(&WORKERS)?;
    stage.fleet.until_shared(&[7, 7, 6]).await?;
    stage.until_delivered().await?;
    let verdict = stage.judge().await?;
    ensure!(verdict.out_of_order == 0);
    verdict.check_repeats_of(&[])?;
    for worker in WORKERS {
        stage.fleet.signal(worker, Signal::TERM)?;
    }
    for worker in WORKERS {
        stage.fleet.gone(worker).await?;
    }
    stage.check_checkpoints().await
}
