//! What a fleet of the Java KCL 3 says of itself: in tables beside its leases, or among them.

use anyhow::{Context, Result, ensure};
use aws_sdk_dynamodb::{Client, types::AttributeValue};
use kcl_core::stream::StreamSource;
use serde_json::Value;
use tokio::task::JoinSet;

use super::stage::{Home, Stage, pause};

const STATE: &str = "old-indexer-CoordinatorState";
const STATS: &str = "old-indexer-WorkerMetricStats";

/// What a dry run finds of the table as a whole: hazards, and their words.
async fn found(stage: &Stage, from: &[&str]) -> Result<(Vec<String>, String)> {
    let said = stage.kcl("import", &[from, &["--dry-run", "--json"]].concat()).await?;
    let seen: Value = serde_json::from_str(&said)?;
    let findings = seen["findings"].as_array().context("no findings")?;
    let hazard = |it: &Value| it["hazard"].as_str().unwrap_or_default().to_owned();
    Ok((findings.iter().map(hazard).collect(), seen["findings"].to_string()))
}

/// A worker without a lease, which tells all the time that it lives.
async fn reports(client: Client, from: u64) {
    for at in from.. {
        let put = client.put_item().table_name(STATS);
        let put = put.item("wid", AttributeValue::S("idle".to_owned()));
        drop(put.item("lut", AttributeValue::N(at.to_string())).send().await);
        pause(1).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_between_two_releases_and_a_worker_without_a_lease_are_told() -> Result<()> {
    let name = "import-upgrading";
    let mut stage = Stage::new(&Home::DynamoDb, name, 1).await?;
    stage.producer.put(9).await?;
    stage.old_table(4).await?;
    let table = format!("dynamodb-kcl:{name}");
    let from = ["--from", &table, "--old-app", "old-indexer"];

    // Its rows are of 3.0 to 3.4, whose tables are named by the application.
    let (hazards, says) = found(&stage, &from[..2]).await?;
    ensure!(hazards == ["side-tables"], "{says}");
    ensure!(says.contains("import-upgrading-CoordinatorState") && says.contains("--old-app"));
    stage.table(STATE, "leaseKey").await?;
    let (hazards, says) = found(&stage, &from).await?;
    ensure!(hazards == ["side-tables"] && says.contains("its key is leaseKey"), "{says}");
    stage.client.delete_table().table_name(STATE).send().await?;
    for (table, key) in [(STATE, "key"), (STATS, "wid")] {
        stage.table(table, key).await?;
    }

    let now = stage.stream.source().describe().await?.server_time.as_millis() / 1_000;
    let cv = |state: &'static str| [("key", "Migration3.0"), ("cv", state)];
    stage.put(STATE, &cv("CLIENT_VERSION_UPGRADE_FROM_2X")).await?;
    stage.put(STATS, &[("wid", "idle"), ("lut", &now.to_string())]).await?;
    let (hazards, says) = found(&stage, &from).await?;
    ensure!(hazards == ["upgrading", "reported-lately"], "{says}");
    stage.put(STATE, &cv("CLIENT_VERSION_2X")).await?;
    ensure!(found(&stage, &from).await?.0 == ["rolled-back", "reported-lately"]);

    // It holds no lease, and it is seen to move.
    let mut reporting = JoinSet::new();
    reporting.spawn(reports(stage.client.clone(), now));
    let import = [&from[..], &["--failover", "200ms", "--yes"]].concat();
    let said = stage.refused("import", &import).await?;
    ensure!(said.contains("still moves") && said.contains("idle"), "{said}");
    reporting.shutdown().await;

    // All is well; and then one table says otherwise than the other, as while tables are moved.
    stage.put(STATE, &cv("CLIENT_VERSION_3X")).await?;
    stage.put(STATS, &[("wid", "idle"), ("lut", "1796071487")]).await?;
    let (hazards, says) = found(&stage, &from).await?;
    ensure!(hazards.is_empty(), "{says}");
    for (key, entity, attribute, state) in [
        ("Migration3.0", "CLIENT_VERSION_MIGRATION", "cv", "CLIENT_VERSION_3X_WITH_ROLLBACK"),
        ("TableMigration3.5", "TABLE_MIGRATION", "tm", "TABLE_MIGRATION_STATUS_PENDING"),
    ] {
        let row = [("leaseKey", key), ("entityType", entity), (attribute, state)];
        stage.put(name, &row).await?;
    }
    let (hazards, says) = found(&stage, &from).await?;
    ensure!(hazards == ["upgrading", "tables-moving"], "{says}");
    // None of it is in the way.
    let import = [&from[..], &["--fence", "writes-revoked", "--yes"]].concat();
    stage.kcl("import", &import).await?;
    stage.reads_on("a", 4).await
}
