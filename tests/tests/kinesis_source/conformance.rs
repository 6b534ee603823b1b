//! `KinesisSource` against the suite, on each server.

use anyhow::Result;
use kcl_core::conformance::sources::Suite;
use kcl_tests::sources::{KinesisStreams, source_conforms};

#[tokio::test]
async fn it_conforms_on_ferrokinesis() -> Result<()> {
    let streams = KinesisStreams::on_ferrokinesis()?;
    Ok(source_conforms(Suite::new(streams).at_once(8), 0).await?)
}

#[tokio::test]
async fn it_conforms_on_kinesis_local() -> Result<()> {
    let streams = KinesisStreams::on_kinesis_local()?;
    // It trims nothing.
    Ok(source_conforms(Suite::new(streams).at_once(8), 3).await?)
}
