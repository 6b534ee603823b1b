//! An application is taken over: what the old fleet has not processed is read, and nothing else.

use anyhow::{Result, ensure};
use kcl_core::lease::Checkpoint;
use kcl_migrate::{Fence, was_imported};

use super::stage::{Home, Stage};

/// How many records of each shard the old fleet has processed.
const DONE: usize = 7;

/// Dry run, import, a worker that goes on, another import that is refused, and the way back.
async fn taken_over(home: Home, name: &str) -> Result<()> {
    let mut stage = Stage::new(&home, name, 3).await?;
    stage.producer.put(90).await?;
    stage.old_table(DONE).await?;
    // An item that is no lease, whatever its key looks like.
    let worker = [
        ("leaseKey", "shardId-000000000009"),
        ("entityType", "WORKER_METRIC_STATS"),
        ("lut", "1796071487"),
    ];
    stage.put(name, &worker).await?;
    let from = format!("dynamodb-kcl:{name}");

    let seen = stage.dry_run(&from).await?;
    ensure!(seen["taken"] == 3 && seen["refusals"] == 0, "{seen:#}");
    ensure!(seen["no_leases"]["WORKER_METRIC_STATS"] == 1, "{seen:#}");
    let first = &seen["shards"][0];
    ensure!(first["owner"] == "old-1" && first["lag_ms"].is_u64(), "{first:#}");
    ensure!(stage.count().await == 0, "a dry run has made something");
    let unasked = stage.refused("import", &["--from", &from, "--fence", "at-zero"]).await?;
    ensure!(unasked.contains("--yes") && stage.count().await == 0, "{unasked}");

    let import = ["--from", &from, "--fence", "at-zero", "--yes", "--json"];
    let said = stage.kcl("import", &import).await?;
    let done: serde_json::Value = serde_json::from_str(said.lines().last().unwrap_or_default())?;
    ensure!(done["leases"] == 3 && done["fence"] == "at-zero", "{done:#}");
    let entry = was_imported(stage.fleet.store(), name).await??;
    ensure!(entry.is_some_and(|it| it.fence == Fence::AtZero && it.open == 3));
    ensure!(was_imported(stage.fleet.store(), "another").await??.is_none());
    let rows = stage.leases().await?;
    ensure!(rows.iter().all(|row| row.owner.is_none() && row.epoch.0 > 0), "{rows:#?}");
    stage.reads_on("a", DONE).await?;

    let again = stage.refused("import", &import).await?;
    ensure!(again.contains("--replace") && again.contains("3 leases"), "{again}");
    way_back(&stage, &from).await
}

/// The checkpoints go back, and what is imported from there stands where it stood.
async fn way_back(stage: &Stage, table: &str) -> Result<()> {
    let rows = stage.leases().await?;
    stage.kcl("export", &["--to", table, "--yes"]).await?;
    for row in &rows {
        let shard = row.key.shard().map(|id| id.to_string()).unwrap_or_default();
        let back = stage.row(&stage.name, "leaseKey", &shard).await?;
        ensure!(back["checkpoint"] == row.checkpoint.to_string(), "{back:#}");
        ensure!(back["leaseCounter"] == "42" && back["leaseOwner"].is_null(), "{back:#}");
        ensure!(matches!(row.checkpoint, Checkpoint::After(_)), "{row:#?}");
    }
    // As JSON, it says the same.
    let seen = stage.kcl("import", &["--from", table, "--dry-run", "--json", "--replace"]).await?;
    let seen: serde_json::Value = serde_json::from_str(&seen)?;
    for (row, shard) in rows.iter().zip(seen["shards"].as_array().into_iter().flatten()) {
        ensure!(shard["at"] == row.checkpoint.to_string(), "{shard:#}");
        ensure!(shard["lag_ms"].is_null(), "everything is processed: {shard:#}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn into_dynamodb() -> Result<()> {
    taken_over(Home::DynamoDb, "import-into-dynamodb").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn into_postgres() -> Result<()> {
    taken_over(Home::postgres()?, "import-into-postgres").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn into_redis() -> Result<()> {
    taken_over(Home::redis()?, "import-into-redis").await
}

/// Of a table for many streams one is taken; VMware's sticky shards become rules.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_stream_of_many_and_sticky_shards() -> Result<()> {
    let name = "import-one-of-many";
    let mut stage = Stage::new(&Home::DynamoDb, name, 2).await?;
    stage.producer.put(40).await?;
    stage.table(name, "leaseKey").await?;
    let life = stage.life().await?;
    let at = stage.records("shardId-000000000000")[3].sequence.clone();
    for (stream, life, shard, at) in [
        (name, life, 0, &*at),
        (name, life, 1, "TRIM_HORIZON"),
        (name, life - 9, 0, "LATEST"),
        ("payments", life, 0, "LATEST"),
    ] {
        let key = format!("000000000000:{stream}:{life}:shardId-00000000000{shard}");
        stage.put(name, &[("leaseKey", &key), ("checkpoint", at), ("leaseCounter", "1")]).await?;
    }
    let seen = stage.dry_run(&format!("dynamodb-kcl:{name}")).await?;
    ensure!(seen["taken"] == 2 && seen["refusals"] == 0, "{seen:#}");
    ensure!(seen["left_alone"].as_object().is_some_and(|it| it.len() == 2), "{seen:#}");
    ensure!(seen["shards"][0]["at"] == at && seen["shards"][1]["at"] == "TRIM_HORIZON");

    let old = format!("{name}-vmware");
    stage.table(&old, "ShardID").await?;
    let pinned = [
        ("ShardID", "shardId-000000000000"),
        ("Checkpoint", &at),
        ("LeaseTimeout", "2026-01-31T09:00:00Z"),
        ("Sticky", "10"),
        ("StickyWorker", "pod-0"),
    ];
    stage.put(&old, &pinned).await?;
    stage.put(&old, &[("ShardID", "shardId-000000000001")]).await?;
    let from = format!("dynamodb-vmware:{old}");
    stage.kcl("import", &["--from", &from, "--fence", "writes-revoked", "--yes"]).await?;
    let rules = stage.kcl("placement", &["show"]).await?;
    ensure!(rules.contains("shardId-000000000000") && rules.contains("pod-0"), "{rules}");
    let rows = stage.leases().await?;
    ensure!(rows[0].checkpoint.to_string() == at, "{rows:#?}");
    ensure!(rows[1].checkpoint == Checkpoint::TrimHorizon, "{rows:#?}");
    Ok(())
}
