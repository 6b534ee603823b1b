//! While the old fleet still runs: prepared, refused, finished, abandoned.

use std::sync::Arc;

use anyhow::{Result, ensure};
use aws_sdk_dynamodb::{Client, types::AttributeValue};
use kcl_core::{
    change::{self, ChangeError, Intent},
    env::Env,
    store::LeaseStore,
};
use kcl_memory::MemoryStore;
use kcl_migrate::{Import, ImportOptions, Library};
use tokio::task::JoinSet;

use super::stage::{Home, Stage, pause};

const DONE: usize = 5;

/// An old worker that renews its lease, so often that two readings of the table are never without
/// a renewal between them: behind a named fence nothing else shows that it moves.
async fn renew(client: Client, table: String, shard: String) {
    loop {
        let update = client.update_item().table_name(&table);
        let update = update.key("leaseKey", AttributeValue::S(shard.clone()));
        let update = update.update_expression("ADD leaseCounter :one");
        let one = AttributeValue::N("1".to_owned());
        drop(update.expression_attribute_values(":one", one).send().await);
        pause(1).await;
    }
}

async fn is_closed(stage: &Stage) -> Result<bool> {
    Ok(change::state(stage.fleet.store()).await?.is_some_and(|it| it.is_closed()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_workers_wait_until_the_old_fleet_stands_still() -> Result<()> {
    let name = "import-prepared";
    let mut stage = Stage::new(&Home::DynamoDb, name, 2).await?;
    stage.producer.put(60).await?;
    stage.old_table(DONE).await?;
    let from = format!("dynamodb-kcl:{name}");
    let mut renewing = JoinSet::new();
    for _ in 0..4 {
        let shard = "shardId-000000000001".to_owned();
        renewing.spawn(renew(stage.client.clone(), name.to_owned(), shard));
    }

    let unprepared = ["--from", &from, "--finish", "--fence", "at-zero", "--yes"];
    let said = stage.refused("import", &unprepared).await?;
    ensure!(said.contains("nothing is prepared"), "{said}");
    stage.kcl("import", &["--from", &from, "--prepare", "--yes"]).await?;
    ensure!(is_closed(&stage).await? && stage.count().await == 0);
    stage.fleet.start("a")?;

    // It moves, whatever fence is named.
    for fence in [&["--failover", "200ms"][..], &["--fence", "at-zero"]] {
        let finish = [&["--from", &from, "--finish", "--yes"][..], fence].concat();
        let said = stage.refused("import", &finish).await?;
        ensure!(said.contains("still moves") && said.contains("old-1"), "{said}");
        ensure!(is_closed(&stage).await? && stage.count().await == 0, "it was opened");
    }
    let list = stage.kcl("leases", &["list", "--no-wait", "--format", "json"]).await?;
    ensure!(list.contains("kcl import --from dynamodb-kcl:import-prepared --prepare"), "{list}");
    ensure!(stage.fleet.caught_up().deliveries.is_empty(), "it reads although it is closed");

    ensure!(renewing.len() == 4, "the old fleet has ended by itself");
    renewing.shutdown().await;
    let finish = ["--from", &from, "--finish", "--failover", "300ms", "--yes", "--json"];
    let said = stage.kcl("import", &finish).await?;
    ensure!(said.contains("\"fence\":\"watched\""), "{said}");
    stage.goes_on("a", DONE).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_prepared_is_abandoned_and_leaves_nothing() -> Result<()> {
    let name = "import-abandoned";
    let mut stage = Stage::new(&Home::DynamoDb, name, 2).await?;
    stage.producer.put(20).await?;
    stage.old_table(3).await?;
    let from = format!("dynamodb-kcl:{name}");
    let nothing = stage.refused("import", &["--abandon", "--yes"]).await?;
    ensure!(nothing.contains("no import has closed"), "{nothing}");
    stage.kcl("import", &["--from", &from, "--prepare", "--yes"]).await?;
    ensure!(is_closed(&stage).await?);
    stage.kcl("import", &["--abandon", "--yes"]).await?;
    ensure!(!is_closed(&stage).await? && stage.count().await == 0);
    // Workers of ours that live are in the way of the next one, and it is opened again.
    stage.reads_on("a", 0).await?;
    stage.fleet.start("b")?;
    stage.fleet.until_shared(&[2]).await?;
    let replace = ["--from", &from, "--fence", "at-zero", "--yes", "--replace"];
    let said = stage.refused("import", &replace).await?;
    ensure!(said.contains("workers live: b"), "{said}");
    ensure!(!is_closed(&stage).await?);
    stage.fleet.leave("b").await?;
    stage.kcl("import", &replace).await?;
    stage.reads_on("c", 3).await
}

/// A finish that fails leaves closed what was prepared: workers wait there for leases, and would
/// begin anew without them.
#[tokio::test]
async fn what_was_prepared_stays_closed_when_it_cannot_be_finished() -> Result<()> {
    let store: Arc<dyn LeaseStore> = Arc::new(MemoryStore::new("prepared"));
    let from = "dynamodb-kcl:old".parse()?;
    let design =
        Arc::new(Import::new(from, kcl_migrate::read(Library::Kcl, &[]), ImportOptions::default()));
    let env = Env::system();
    change::apply(Intent::Prepare(design.clone()), "a", &store, None, &env).await?;
    let failed = change::apply(Intent::Make(design), "b", &store, None, &env).await;
    ensure!(matches!(failed, Err(ChangeError::Stream(_))), "{failed:?}");
    ensure!(change::state(&*store).await?.is_some_and(|it| it.is_closed()));
    let undone = change::apply(Intent::Undo, "c", &store, None, &env).await?;
    ensure!(undone.undone && undone.leases == 0);
    ensure!(change::state(&*store).await?.is_some_and(|it| !it.is_closed()));
    Ok(())
}
