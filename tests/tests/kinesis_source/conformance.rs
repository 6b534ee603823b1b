//! `KinesisSource` against the suite, on each server.

use anyhow::Result;
use kcl_core::conformance::sources::Suite;
use kcl_tests::sources::{KinesisStreams, source_conforms};

#[tokio::test]
async fn it_conforms_on_ferrokinesis() -> Result<()> {
    Ok(source_conforms(Suite::new(KinesisStreams::on_ferrokinesis()?), 0).await?)
}

#[tokio::test]
async fn it_conforms_on_kinesis_local() -> Result<()> {
    // It trims nothing.
    Ok(source_conforms(Suite::new(KinesisStreams::on_kinesis_local()?), 3).await?)
}
