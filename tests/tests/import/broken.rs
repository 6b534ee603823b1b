//! An import that is killed in the midst: nobody reads, and the same command goes on.

use anyhow::{Result, bail, ensure};
use kcl_core::{change, lease::Checkpoint};
use kcl_tests::fleet::{History, Signal};

use super::stage::{Home, Stage, pause};

/// Enough for rows that are written side by side.
const SHARDS: i32 = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_an_import_is_closed_and_the_same_command_finishes_it() -> Result<()> {
    let name = "import-killed";
    let home = Home::DynamoDb;
    let mut stage = Stage::new(&home, name, SHARDS).await?;
    stage.old_table(0).await?;
    let from = format!("dynamodb-kcl:{name}");
    let import = ["--from", &from, "--fence", "at-zero", "--yes"];
    killed_midway(&stage, &import).await?;
    let half = stage.count().await;
    ensure!(half > 0, "nothing was written yet");
    // A worker that starts now sees that the application is closed, and takes none of it.
    stage.fleet.start("a")?;
    let waits = |history: &History| history.events("kcl.application.closed").count() > 0;
    stage.fleet.until("a worker that waits", waits).await?;
    ensure!(stage.fleet.caught_up().events("kcl.lease.gained").count() == 0);
    stage.fleet.leave("a").await?;

    // What was planned then is gone on with, and nothing else.
    let other = ["--shard", "shardId-000000000007=latest"];
    let said = stage.refused("import", &[&import[..], &other[..]].concat()).await?;
    ensure!(said.contains("broken off") && said.contains("--abandon"), "{said}");

    stage.kcl("import", &import).await?;
    let rows = stage.leases().await?;
    ensure!(rows.len() == usize::try_from(SHARDS)?, "{} rows", rows.len());
    ensure!(rows.iter().all(|row| row.checkpoint == Checkpoint::TrimHorizon));
    let open = change::state(stage.fleet.store()).await?;
    ensure!(open.is_some_and(|it| !it.is_closed()), "it is closed");
    Ok(())
}

/// Starts an import, and kills it when some rows are there.
async fn killed_midway(stage: &Stage, import: &[&str]) -> Result<()> {
    let mut process = stage.spawn("import", import)?;
    while stage.count().await == 0 {
        if process.ended()?.is_some() {
            bail!("it has ended before it wrote anything");
        }
        pause(1).await;
    }
    process.signal(Signal::KILL)?;
    while process.ended()?.is_none() {
        pause(5).await;
    }
    let state = change::state(stage.fleet.store()).await?;
    ensure!(state.is_some_and(|it| it.is_closed()), "it was faster than its killer");
    Ok(())
}
