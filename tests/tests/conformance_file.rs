//! The store of `examples/file_store` against the suite, and after its file is opened again.

#[path = "../examples/file_store/factory.rs"]
mod factory;
#[path = "../examples/file_store/rows.rs"]
mod rows;
#[path = "../examples/file_store/store.rs"]
mod store;

use anyhow::{Result, ensure};
use kcl_core::{
    conformance::Suite,
    lease::{Checkpoint, Lease, LeaseKey},
    store::LeaseStore,
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
