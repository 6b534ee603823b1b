//! Fleets that are well, on each store.

use anyhow::{Result, ensure};
use kcl_tests::servers::{Postgres, RedisMake, RedisServer};

use super::look;
use crate::fleet::stage::{self, Servers, Stage, on_each_pair};

on_each_pair!(a_fleet_that_shares_a_stream_is_healthy);

async fn a_fleet_that_shares_a_stream_is_healthy(servers: Servers) -> Result<()> {
    let mut stage = Stage::new(servers, "doctor-well", 3).await?;
    stage.producer.put(60).await?;
    stage.fleet.start_all(&["a", "b"])?;
    stage.fleet.until_shared(&[2, 1]).await?;
    stage.until_delivered().await?;
    // The stream is found by the application's own document.
    let told = look::until(&stage.fleet.launch, "health", |told| told.code == 0).await?;
    ensure!(told.json["verdict"] == "healthy", "{:#}", told.json);
    let counts = &told.json["counts"];
    ensure!(counts["workers"] == 2 && counts["read"] == 3 && counts["silent"] == 0, "{counts}");
    ensure!(told.all("lag").count() == 3, "{:#}", told.json);
    ensure!(told.json["identity"].as_str().is_some_and(|it| it.contains("…test")));
    for action in ["DescribeStreamSummary", "ListShards", "GetShardIterator", "GetRecords"] {
        let right = told.right(&format!("kinesis:{action}"));
        ensure!(right == Some("allowed"), "{action}: {right:?}");
    }
    let text = stage::run(look::command(&stage.fleet.launch, &[])).await?;
    let shown = String::from_utf8(text.stdout)?;
    ensure!(shown.ends_with("\nhealthy\n"), "{shown}");
    ensure!(shown.contains("workers: 2 live, 0 silent; leases: 3 open, 3 of them read"), "{shown}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_is_healthy_on_each_store() -> Result<()> {
    let (redis, postgres) = (RedisServer::start(RedisMake::Redis)?, Postgres::start()?);
    for store in [redis.url(), postgres.url()] {
        let name = format!("doctor-{}", &store[..4]);
        let mut stage = Stage::with(Servers::InProcess, &name, 2, |mut launch| {
            launch.other_store = Some(store.clone());
            launch
        })
        .await?;
        stage.fleet.start("a")?;
        look::until(&stage.fleet.launch, "health", |told| {
            told.code == 0 && told.json["counts"]["read"] == 2
        })
        .await?;
        stage.fleet.leave("a").await?;
        let told = look::look(&stage.fleet.launch, &[]).await?;
        ensure!(told.code == 1 && told.finding("no-worker").is_some(), "{:#}", told.json);
        let command = told.finding("no-worker").unwrap()["remedies"][0]["command"].to_string();
        ensure!(!command.contains("postgres://"), "an address may hold a password: {command}");
    }
    Ok(())
}
