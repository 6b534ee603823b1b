//! The way to the store is spoilt.

use std::time::Duration;

use anyhow::{Result, ensure};
use kcl_tests::{
    fleet::wall_millis,
    servers::{Counted, Link, WRITES},
};

use super::{
    backend::Backend,
    stage::{FLOW, SESSION, Stage, check_repeats_in_place, on_each, pause},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_and_refused_for_a_while_cost_nothing() -> Result<()> {
    on_each!(cut_and_refused: Dynamo, Postgres, Redis)
}

async fn cut_and_refused(backend: Backend) -> Result<()> {
    let server = backend.shared()?;
    let mut stage = Stage::new(backend, &server, "cut", 4).await?;
    stage.fleet.start_all(&["a", "b"])?;
    stage.fleet.until_shared(&[2, 2]).await?;
    let cut = async |stage: &mut Stage| {
        for _ in 0..5 {
            pause(400).await;
            stage.link.cut();
        }
        stage.link.refuse(true);
        stage.link.cut();
        pause(1_000).await;
        stage.link.refuse(false);
        Ok(())
    };
    stage.unmoved_by(cut).await?.check_repeats_of(&[])?;
    stage.end(&["a", "b"]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_black_hole_shorter_than_a_session_moves_nothing() -> Result<()> {
    on_each!(short_hole: Dynamo, Postgres, Redis)
}

async fn short_hole(backend: Backend) -> Result<()> {
    let server = backend.shared()?;
    let mut stage = Stage::new(backend, &server, "short-hole", 4).await?;
    let way = Link::to(server.port())?;
    stage.start_by(&way, "a")?;
    stage.fleet.start("b")?;
    stage.fleet.until_shared(&[2, 2]).await?;
    let hole = async |_: &mut Stage| {
        way.hold(true);
        pause(1_500).await;
        way.hold(false);
        Ok(())
    };
    stage.unmoved_by(hole).await?.check_repeats_of(&[])?;
    stage.end(&["a", "b"]).await
}

/// As when the machine behind an address is gone and another one has taken the address: nothing
/// comes on the open connections and nothing ends them, while new ones are as good as any.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_go_dark_are_left_for_new_ones_and_nothing_moves() -> Result<()> {
    on_each!(dark: Dynamo, Postgres, Redis)
}

async fn dark(backend: Backend) -> Result<()> {
    let server = backend.shared()?;
    let mut stage = Stage::new(backend, &server, "dark", 4).await?;
    stage.fleet.start_all(&["a", "b"])?;
    stage.fleet.until_shared(&[2, 2]).await?;
    let night = async |stage: &mut Stage| {
        stage.link.darken();
        Ok(())
    };
    check_repeats_in_place(&stage.unmoved_by(night).await?)?;
    // Not only beats find their way: 4.5 s later, checkpoints have.
    for worker in ["a", "b"] {
        let behind = stage.fleet.uncheckpointed(worker).await;
        ensure!(behind < 120, "{worker} has {behind} records that no checkpoint covers");
    }
    stage.end(&["a", "b"]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_in_a_black_hole_stops_in_time_and_is_replaced_and_comes_back() -> Result<()> {
    on_each!(long_hole: Dynamo, Postgres, Redis)
}

async fn long_hole(backend: Backend) -> Result<()> {
    let server = backend.shared()?;
    let mut stage = Stage::new(backend, &server, "long-hole", 4).await?;
    let way = Link::to(server.port())?;
    stage.fleet.start("b")?;
    stage.fleet.until_shared(&[4]).await?;
    stage.start_by(&way, "a")?;
    stage.fleet.until_shared(&[2, 2]).await?;
    let load = stage.producer.clone().go_on(10, FLOW);
    pause(1_000).await;
    let alone = wall_millis();
    way.hold(true);
    stage.fleet.until_shared(&[4]).await?;
    pause(1_000).await;
    let back = wall_millis();
    way.hold(false);
    stage.fleet.until_shared(&[2, 2]).await?;
    stage.producer = load.stop().await?;
    stage.until_delivered().await?;
    stage.judge().await?.check_repeats_of(&["a"])?;
    {
        let history = stage.fleet.caught_up();
        // What was written in time may be seen a moment later.
        let silent = alone + SESSION.as_secs_f64() * 1e3 + 500.0..back;
        let mut blind = history.deliveries.iter().filter(|record| &*record.worker == "a");
        let blind = blind.find(|record| silent.contains(&record.seen));
        ensure!(blind.is_none(), "delivered while others had the lease: {blind:?}");
        ensure!(history.events("kcl.session.fenced").all(|line| &*line.worker == "a"));
    }
    stage.end(&["a", "b"]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_second_to_the_store_and_back_moves_nothing_and_fences_nobody() -> Result<()> {
    on_each!(far_away: Dynamo, Postgres, Redis)
}

async fn far_away(backend: Backend) -> Result<()> {
    let server = backend.shared()?;
    // The default times, whose promise it is.
    let mut stage = Stage::with(backend, &server, "far", 4, |launch| launch).await?;
    stage.link.delay(Duration::from_millis(250));
    stage.fleet.start_all(&["a", "b"])?;
    stage.fleet.until_shared(&[2, 2]).await?;
    let nothing = async |_: &mut Stage| {
        pause(8_500).await;
        Ok(())
    };
    stage.unmoved_by(nothing).await?.check_repeats_of(&[])?;
    {
        let history = stage.fleet.caught_up();
        let lapsed: Vec<_> = history.events("kcl.session.lapsed").collect();
        ensure!(lapsed.is_empty(), "{lapsed:#?}");
    }
    stage.link.delay(Duration::ZERO);
    stage.end(&["a", "b"]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_throttled_for_longer_than_a_session_while_reads_go_on_fence_nobody() -> Result<()> {
    let server = Backend::Dynamo.shared()?;
    let throttling = Counted::before(&Backend::Dynamo.url(server.port()))?;
    let mut stage = Stage::new(Backend::Dynamo, &server, "throttled", 4).await?;
    stage.fleet.launch.dynamodb = throttling.url().to_owned();
    stage.fleet.start_all(&["a", "b"])?;
    stage.fleet.until_shared(&[2, 2]).await?;
    let throttled = async |_: &mut Stage| {
        throttling.refuse(&WRITES, "ProvisionedThroughputExceededException");
        pause(6_000).await;
        throttling.refuse(&[], "");
        Ok(())
    };
    check_repeats_in_place(&stage.unmoved_by(throttled).await?)?;
    stage.end(&["a", "b"]).await
}
