//! The store of `examples/file_store` against the suite, and after its file is opened again.

#[path = "../examples/file_store/factory.rs"]
mod factory;
#[path = "../examples/file_store/rows.rs"]
mod rows;
#[path = "../examples/file_store/store.rs"]
mod store;

use std::{fs, time::Duration};

use anyhow::{Result, bail, ensure};
use kcl_core::{
    conformance::Suite,
    lease::{Checkpoint, Lease, LeaseKey, Session},
    store::{Consistency, LeaseStore},
};
use kcl_tests::conformance::conforms;

use factory::Files;
use store::FileDatabase;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_of_a_store_of_ones_own_conforms() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let database = FileDatabase::open(&folder.path().join("leases"))?;
    Ok(conforms(Suite::new(Files(database))).await?)
}

#[tokio::test]
async fn what_it_acknowledged_is_in_the_file() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("leases");
    let lease = Lease::new(LeaseKey::planner(), Checkpoint::TrimHorizon);
    let first = FileDatabase::open(&path)?.store("orders");
    ensure!(first.create(lease.clone()).await?.is_done());
    drop(first);
    let second = FileDatabase::open(&path)?;
    ensure!(second.store("orders").lease(&lease.key).await? == Some(lease.clone()));
    ensure!(second.store("bills").lease(&lease.key).await?.is_none());
    Ok(())
}

#[tokio::test]
async fn what_an_older_release_did_not_write_is_not_made_up() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (new, old) = (folder.path().join("new"), folder.path().join("old"));
    let id = "w#00000000-0000-0000-0000-000000000001".parse()?;
    let tacit = Session::new(id, 1, Duration::from_secs(6), Duration::from_millis(1_500));
    let told = tacit.clone().reading("orders".parse()?).in_zone(Some("eu-west-1a".parse()?));
    let written = FileDatabase::open(&new)?.store("orders").register(told).await?;
    ensure!(written.value.is_done());
    let mut line: serde_json::Value = serde_json::from_str(&fs::read_to_string(&new)?)?;

    line[1]["zone"] = "in the east".into();
    fs::write(&old, line.to_string())?;
    let read =
        FileDatabase::open(&old)?.store("orders").sessions(None, Consistency::Strong).await?;
    let [bad] = &read.unreadable[..] else { bail!("a bad zone was read: {read:?}") };
    ensure!(read.items.is_empty() && bad.key == tacit.id.key(), "{read:?}");
    ensure!(bad.why.contains("zone") && bad.why.contains("in the east"), "{bad}");

    let Some(fields) = line[1].as_object_mut() else { bail!("no row: {line}") };
    fields.retain(|name, _| !["stream", "zone"].contains(&name.as_str()));
    fs::write(&old, line.to_string())?;
    let read = FileDatabase::open(&old)?.store("orders").sessions(None, Consistency::Strong).await;
    ensure!(read?.items == [tacit]);
    Ok(())
}
