//! Workers in trouble, and other applications, on the stores that no other test starts fleets of
//! processes on.

use anyhow::{Context, Result, ensure};
use kcl_tests::fleet::{Fleet, Signal};

use super::{
    backend::Backend,
    stage::{FLOW, Stage, on_each},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_stands_still_is_replaced_and_comes_back_while_its_successors_work()
-> Result<()> {
    on_each!(stopped: Postgres, Redis)
}

async fn stopped(backend: Backend) -> Result<()> {
    let server = backend.shared()?;
    let mut stage = Stage::new(backend, &server, "stopped", 6).await?;
    let workers = ["a", "b", "c"];
    stage.fleet.start_all(&workers)?;
    stage.fleet.until_shared(&[2, 2, 2]).await?;
    let load = stage.producer.clone().go_on(10, FLOW);
    let planner = stage.fleet.planner().await?;
    let stopped = workers.into_iter().find(|worker| *worker != planner).context("no follower")?;
    stage.fleet.signal(stopped, Signal::STOP)?;
    stage.fleet.until_shared(&[3, 3]).await?;
    stage.fleet.signal(stopped, Signal::CONT)?;
    stage.fleet.until_shared(&[2, 2, 2]).await?;
    stage.producer = load.stop().await?;
    stage.until_delivered().await?;
    stage.judge().await?.check_repeats_of(&[stopped])?;
    stage.end(&workers).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_applications_in_one_store_are_no_relation_of_one_another() -> Result<()> {
    on_each!(two_applications: Postgres, Redis)
}

async fn two_applications(backend: Backend) -> Result<()> {
    let server = backend.shared()?;
    let mut stage = Stage::new(backend, &server, "two-apps", 4).await?;
    // One name is the beginning of the other.
    let mut launch = stage.fleet.launch.clone();
    launch.application.push_str("-other");
    let store = backend.store(&launch.application, server.port());
    let mut other = Fleet::watched_in(launch, store)?;
    stage.fleet.start_all(&["a", "b"])?;
    other.start_all(&["a", "b"])?;
    stage.fleet.until_shared(&[2, 2]).await?;
    other.until_shared(&[2, 2]).await?;
    let before = stage.holders().await;
    let load = stage.producer.clone().go_on(10, FLOW);
    // The death of a worker is nothing to its namesake.
    other.signal("a", Signal::KILL)?;
    other.until_shared(&[4]).await?;
    stage.producer = load.stop().await?;
    stage.until_delivered().await?;
    other.until_delivered(stage.producer.produced.len()).await?;
    stage.check_unmoved(&before).await?;
    stage.judge().await?.check_repeats_of(&[])?;
    std::mem::swap(&mut stage.fleet, &mut other);
    stage.judge().await?.check_repeats_of(&["a"])?;
    std::mem::swap(&mut stage.fleet, &mut other);
    ensure!(stage.holders().await.len() == 4, "rows of the other application");
    stage.end(&["a", "b"]).await
}
