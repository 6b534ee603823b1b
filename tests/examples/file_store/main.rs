//! A lease store of one's own, proved by the suite that every store has to pass.
//!
//! ```sh
//! cargo run -p kcl-tests --example file_store
//! ```

mod factory;
mod rows;
mod store;

use std::error::Error;

use kcl_core::conformance;

use factory::Files;
use store::FileDatabase;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "this is what it is run for")]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let database = FileDatabase::open(&folder.path().join("leases"))?;
    println!("{}", conformance::run(Files(database)).await?);
    Ok(())
}
