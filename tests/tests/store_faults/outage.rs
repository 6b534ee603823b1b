//! The store itself stands still, or dies and comes back.

use anyhow::{Result, ensure};
use kcl_core::lease::{LeaseKey, SessionId};

use super::{
    backend::Backend,
    stage::{FLOW, Holders, Stage, check_repeats_in_place, ensure_nobody_fenced, on_each, pause},
};

/// Nearly twice the session timeout.
const OUTAGE: u64 = 5_500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stands_still_for_longer_than_a_session_moves_nothing() -> Result<()> {
    on_each!(paused: Dynamo, Postgres, Redis)
}

async fn paused(backend: Backend) -> Result<()> {
    let server = backend.start()?;
    let mut stage = Stage::new(backend, &server, "paused", 4).await?;
    stage.fleet.start_all(&["a", "b"])?;
    stage.fleet.until_shared(&[2, 2]).await?;
    let outage = async |_: &mut Stage| {
        server.pause()?;
        pause(OUTAGE).await;
        Ok(server.resume()?)
    };
    check_repeats_in_place(&stage.unmoved_by(outage).await?)?;
    stage.end(&["a", "b"]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_and_comes_back_moves_nothing() -> Result<()> {
    on_each!(restarted: Postgres, Redis)
}

async fn restarted(backend: Backend) -> Result<()> {
    let mut server = backend.start()?;
    let mut stage = Stage::new(backend, &server, "restarted", 4).await?;
    stage.fleet.start_all(&["a", "b"])?;
    stage.fleet.until_shared(&[2, 2]).await?;
    let before = owners(stage.holders().await);
    let load = stage.producer.clone().go_on(10, FLOW);
    pause(1_000).await;
    server.crash()?;
    pause(OUTAGE).await;
    server.go_on()?;
    pause(4_500).await;
    stage.producer = load.stop().await?;
    stage.until_delivered().await?;
    // Epochs may grow: after a restart of Redis owners acquire their rows anew, lest it lost some.
    let now = owners(stage.holders().await);
    ensure!(now == before, "it was {before:#?}, and is {now:#?}");
    ensure_nobody_fenced(&stage.fleet.caught_up())?;
    check_repeats_in_place(&stage.judge().await?)?;
    stage.end(&["a", "b"]).await
}

fn owners(holders: Holders) -> Vec<(LeaseKey, Option<SessionId>)> {
    holders.into_iter().map(|(key, (owner, _))| (key, owner)).collect()
}
