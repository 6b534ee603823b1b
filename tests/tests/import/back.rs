//! The way back, where it is not straight.

use anyhow::{Result, ensure};
use aws_sdk_dynamodb::Client;
use kcl_core::{lease::Checkpoint, store::LeaseStoreExt};
use kcl_tests::dynamo;

use super::stage::{Home, Stage, dynalite};

/// Into new tables of both libraries, on a server that tells nothing of a refused write, and back
/// into another application.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn into_new_tables_and_back_again() -> Result<()> {
    let name = "export-there";
    let home = Home::redis()?;
    let mut stage = Stage::new(&home, name, 2).await?;
    stage.dynamodb = dynalite().url().to_owned();
    stage.client = Client::from_conf(dynamo::config(dynalite().url()).build());
    stage.producer.put(20).await?;
    stage.stream.split(&stage.stream.shards().await?[0]).await?;
    stage.producer.put(20).await?;
    stage.reads_on("a", 0).await?;
    let rows = stage.leases().await?;
    ensure!(rows.len() == 4 && rows[0].has_ended(), "{rows:#?}");
    for (library, key) in [("kcl", "leaseKey"), ("vmware", "ShardID")] {
        let (table, place) =
            (format!("export-{library}"), format!("dynamodb-{library}:export-{library}"));
        let dry = stage.kcl("export", &["--to", &place, "--dry-run"]).await?;
        ensure!(dry.contains("which is made") && dry.contains("is made"), "{dry}");
        stage.kcl("export", &["--to", &place, "--yes"]).await?;
        // Once more: nothing is taken back, and nothing is in the way.
        stage.kcl("export", &["--to", &place, "--yes"]).await?;
        let ended = stage.row(&table, key, "shardId-000000000000").await?;
        ensure!(ended.to_string().contains("SHARD_END"), "{ended:#}");
        let app = format!("export-back-{library}");
        let redis = stage.fleet.launch.store();
        let import = ["--from", &place, "--fence", "at-zero", "--yes", "--app", &app, "--store"];
        stage.kcl("import", &[&import[..], &[&redis]].concat()).await?;
        let mut back = home.store(&app)?.all_leases().await?;
        back.retain(|row| !row.key.is_role());
        back.sort_by(|a, b| a.key.cmp(&b.key));
        let spots = |rows: &[kcl_core::lease::Lease]| -> Vec<_> {
            rows.iter().map(|row| (row.key.clone(), row.checkpoint.clone())).collect()
        };
        ensure!(spots(&back) == spots(&rows), "{back:#?}");
        ensure!(back[0].children == rows[0].children, "{back:#?}");
    }
    backwards(&stage, "export-kcl").await
}

/// A table that is further on is not taken back unless that is said.
async fn backwards(stage: &Stage, table: &str) -> Result<()> {
    let place = format!("dynamodb-kcl:{table}");
    stage.kcl("leases", &["reset", "--to", "trim-horizon", "--yes"]).await?;
    let said = stage.refused("export", &["--to", &place, "--yes"]).await?;
    ensure!(said.contains("further on") && said.contains("--backwards"), "{said}");
    stage.kcl("export", &["--to", &place, "--yes", "--backwards"]).await?;
    let back = stage.row(table, "leaseKey", "shardId-000000000001").await?;
    ensure!(back["checkpoint"] == "TRIM_HORIZON", "{back:#}");
    Ok(())
}

/// Everything goes into a file and out of it; a worker that lives is in the way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn into_a_file_and_out_of_it() -> Result<()> {
    let name = "export-file";
    let mut stage = Stage::new(&Home::DynamoDb, name, 1).await?;
    stage.producer.put(10).await?;
    stage.fleet.start("living")?;
    stage.fleet.until_delivered(10).await?;
    let said = stage.refused("export", &["--to", "dynamodb-kcl:export-new", "--yes"]).await?;
    ensure!(said.contains("workers live") && said.contains("living"), "{said}");
    stage.fleet.leave("living").await?;
    let folder = tempfile::tempdir()?;
    let file = format!("file:{}", folder.path().join("leases.json").display());
    stage.kcl("export", &["--to", &file]).await?;
    let twice = stage.refused("export", &["--to", &file]).await?;
    ensure!(twice.contains("cannot be made"), "{twice}");
    let into = ["--from", &file, "--app", name, "--store", "dynamodb://export-file-again"];
    stage.kcl("import", &into).await?;
    let rows = stage.leases().await?;
    ensure!(matches!(rows[0].checkpoint, Checkpoint::After(_)), "{rows:#?}");
    let there = ["list", "--no-wait", "--format", "json", "--app", name];
    let there = [&there[..], &["--store", "dynamodb://export-file-again"]].concat();
    let there = stage.kcl("leases", &there).await?;
    ensure!(there.contains(&rows[0].checkpoint.to_string()), "{there}");
    Ok(())
}
