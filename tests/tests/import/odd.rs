//! What is no lease table, or cannot be taken.

use anyhow::{Context, Result, ensure};
use kcl_core::{
    change,
    store::{LeaseStore, LeaseStoreExt},
};
use kcl_dynamo::DynamoStore;
use kcl_tests::dynamo;
use serde_json::Value;

use super::stage::{Home, Stage, dynamodb, kinesis, pause};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_lease_table_is_told_from_one() -> Result<()> {
    let name = "import-no-table";
    let stage = Stage::new(&Home::DynamoDb, name, 1).await?;
    let dry = |from: &'static str| ["--from", from, "--dry-run"];
    let said = stage.refused("import", &dry("dynamodb-kcl:not-there")).await?;
    ensure!(said.contains("no table not-there"), "{said}");
    let own = DynamoStore::builder("x").table("import-own-table");
    own.client_config(dynamo::config(dynamodb().url())).build()?.prepare().await?;
    let said = stage.refused("import", &dry("dynamodb-kcl:import-own-table")).await?;
    ensure!(said.contains("no lease table") && said.contains("kcl leases copy"), "{said}");
    stage.table("import-vmware-table", "ShardID").await?;
    let said = stage.refused("import", &dry("dynamodb-kcl:import-vmware-table")).await?;
    ensure!(said.contains("dynamodb-vmware:TABLE"), "{said}");
    let said = stage.refused("import", &dry("dynamodb-vmware:import-vmware-table")).await?;
    ensure!(said.contains("no lease among its 0 items"), "{said}");
    let said = stage.refused("import", &dry("orders")).await?;
    ensure!(said.contains("dynamodb-kcl:TABLE"), "{said}");
    let same = ["--from", "dynamodb-kcl:old", "--app", "old", "--store", "dynamodb"];
    let said = stage.refused("import", &same).await?;
    ensure!(said.contains("dynamodb://old-kcl"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_are_gone_are_told_before_and_a_stream_made_again_is_refused() -> Result<()> {
    let name = "import-gone";
    let mut stage = Stage::new(&Home::DynamoDb, name, 1).await?;
    stage.producer.put(30).await?;
    stage.old_table(5).await?;
    let store = kinesis().store();
    let oldest: Vec<_> = store.get_record_store(name).await.into_keys().take(12).collect();
    store.delete_record_keys(name, &oldest).await;
    let from = format!("dynamodb-kcl:{name}");
    let odd = ["--from", &from, "--dry-run", "--shard", "shardId-9=ended"];
    let said = stage.refused("import", &odd).await?;
    ensure!(said.contains("--shard shardId-9") && said.contains("no such shard"), "{said}");
    let seen = stage.dry_run(&from).await?;
    let finding = &seen["shards"][0]["findings"][0];
    ensure!(finding["hazard"] == "gap" && seen["refusals"] == 0, "{seen:#}");
    gone_behind_a_fence(&stage, &from).await?;

    let later = prepared(&stage, &from, "import-made-again").await?;
    stage.stream.delete().await?;
    // Sequence numbers begin with the second in which a shard was made.
    pause(1_100).await;
    let again = kcl_tests::kinesis::TestStream::create(kinesis().url(), name, 1).await?;
    again.put("key", None, b"of another life").await?;
    let import = ["--from", &from, "--fence", "at-zero", "--yes"];
    let said = stage.refused("import", &import).await?;
    ensure!(said.contains("in the way"), "{said}");
    let seen = stage.command("import", &["--from", &from, "--dry-run"]).output()?;
    let shown = String::from_utf8(seen.stdout)?;
    ensure!(!seen.status.success() && shown.contains("made again since"), "{shown}");
    ensure!(stage.count().await == 0, "something was imported");
    // What was prepared in the life before is not finished in this one.
    let said = stage.refused("import", &finish(&from, "import-made-again", &later)).await?;
    ensure!(said.contains("in the way"), "{said}");
    let store = Home::DynamoDb.store("import-made-again")?;
    ensure!(store.all_leases().await?.is_empty(), "something was imported");
    ensure!(change::state(&*store).await?.is_some_and(|it| it.is_closed()), "it was opened");
    Ok(())
}

/// Closes another application for the import; where its leases are to be.
async fn prepared(stage: &Stage, from: &str, application: &str) -> Result<String> {
    let store = format!("dynamodb://{application}-kcl");
    let prepare = ["--from", from, "--prepare", "--yes", "--app", application, "--store", &store];
    stage.kcl("import", &prepare).await?;
    Ok(store)
}

/// The arguments that finish it.
fn finish<'a>(from: &'a str, application: &'a str, store: &'a str) -> [&'a str; 10] {
    [
        "--from",
        from,
        "--finish",
        "--fence",
        "at-zero",
        "--yes",
        "--app",
        application,
        "--store",
        store,
    ]
}

/// Behind a named fence the shards are looked at once the application is open. What is gone from
/// them then is told all the same: after a checkpoint, and the checkpoint's own record with
/// everything else.
async fn gone_behind_a_fence(stage: &Stage, from: &str) -> Result<()> {
    let store = kinesis().store();
    for (application, hazard) in [("import-gap", "gap"), ("import-no-record", "no-record")] {
        let leases = prepared(stage, from, application).await?;
        if hazard == "no-record" {
            let all: Vec<_> = store.get_record_store(&stage.name).await.into_keys().collect();
            store.delete_record_keys(&stage.name, &all).await;
        }
        let finish = finish(from, application, &leases);
        let said = stage.kcl("import", &[&finish[..], &["--json"]].concat()).await?;
        let (seen, done) = said.trim().split_once('\n').context("not two objects")?;
        let (seen, done): (Value, Value) =
            (serde_json::from_str(seen)?, serde_json::from_str(done)?);
        ensure!(seen["shards"][0]["findings"][0]["hazard"] == hazard, "{seen:#}");
        ensure!(done["leases"] == 1 && done["fence"] == "at-zero", "{done:#}");
    }
    Ok(())
}
