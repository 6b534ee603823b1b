//! A child that ends at one record: the operator gives it up, and the file of dead letters keeps
//! it.

use std::{fs, path::Path};

use anyhow::{Result, ensure};
use kcl_core::store::LeaseStore;
use kcl_dynamo::DynamoStore;
use kcl_tests::{fleet::Launch, kinesis::TestStream};
use serde_json::Value;

use super::daemon::{Place, Properties};
use crate::fleet::{
    skipping,
    stage::{self, KCL, Servers},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_a_child_cannot_stand_is_kept_when_it_is_skipped() -> Result<()> {
    let (servers, name) = (Servers::InProcess, "multilang-dead");
    let stream = TestStream::create(servers.kinesis(), name, 1).await?;
    // As `kcl multilang` names it, for the table of that name may be the old fleet's.
    let table = format!("{name}-kcl");
    let mut places = Vec::new();
    for data in ["one", "two", "poison", "three"] {
        places.push(stream.put("key", None, data.as_bytes()).await?);
    }
    let child = Path::new(env!("CARGO_MANIFEST_DIR")).join("multilang/poisoned.py");
    let place = Place::new(&Properties {
        executable: format!("python3 {}", child.display()),
        application: name.to_owned(),
        stream: stream.name.clone(),
        kinesis: servers.kinesis().to_owned(),
        dynamodb: servers.dynamodb().to_owned(),
        more: String::new(),
    })?;
    let file = place.folder().join("dead.jsonl");
    let command = place.command(&["--dead-letter", "dead.jsonl", "--worker-id", "w1"]);
    let mut daemon = place.start(command)?;
    let store = DynamoStore::builder(name)
        .table(&table)
        .client_config(kcl_tests::dynamo::config(servers.dynamodb()))
        .build()?;
    store.prepare().await?;
    skipping::until_stuck(&store).await?;
    let mut launch = Launch::new(KCL, name, servers.kinesis(), servers.dynamodb());
    launch.table = Some(table);
    let words = ["leases", "skip", "shardId-000000000000", "--record", &places[2], "--yes"];
    let skipped = stage::run(stage::command(&launch, &words)).await?;
    let said = String::from_utf8_lossy(&skipped.stderr).into_owned();
    ensure!(skipped.status.success() && said.contains("the dead letter keeps"), "{said}");
    let letter: Value = serde_json::from_str(fs::read_to_string(&file)?.trim())?;
    ensure!(letter["position"] == places[2], "{letter}");
    ensure!(letter["record"]["data"] == "cG9pc29u", "{letter}");
    daemon
        .until("the record after it", |said| {
            let records = said.iter().flat_map(|it| it.records());
            records.filter(|it| it["data"] == "dGhyZWU=").count() > 0
        })
        .await?;
    Ok(())
}
