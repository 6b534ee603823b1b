//! A lease store of one's own, proved by the suite that every store has to pass.
//!
//! ```sh
//! cargo run -p kcl-tests --example file_store
//! ```

mod rows;
mod store;

use std::{error::Error, sync::Arc};

use async_trait::async_trait;
use kcl_core::{
    conformance::{self, StoreFactory},
    store::{LeaseStore, StoreResult},
};

use store::FileDatabase;

/// What the suite needs to know of the store.
struct Files(Arc<FileDatabase>);

#[async_trait]
impl StoreFactory for Files {
    fn name(&self) -> String {
        "file".into()
    }

    async fn open(&self, application: &str) -> StoreResult<Arc<dyn LeaseStore>> {
        Ok(Arc::new(self.0.store(application)))
    }
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "this is what it is run for")]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let database = FileDatabase::open(&folder.path().join("leases"))?;
    println!("{}", conformance::run(Files(database)).await?);
    Ok(())
}
