//! A worker as a user of the library writes it: the example of the README, with the stream and the
//! application as arguments. The benchmarks start it as a process.

#![allow(clippy::print_stdout, reason = "this is what the example does with records")]

use anyhow::Context;
use kcl_core::worker::Worker;
use kcl_dynamo::DynamoStore;
use kcl_kinesis::KinesisSource;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let stream = arguments.next().context("usage: worker-under-test STREAM APPLICATION")?;
    let application = arguments.next().context("usage: worker-under-test STREAM APPLICATION")?;
    let worker = Worker::builder(KinesisSource::new(&stream)?, DynamoStore::new(&application)?)
        .for_each_batch(|batch| async move {
            for record in &batch {
                println!("{} {}: {} bytes", batch.shard(), record.position, record.data.len());
            }
            Ok(())
        })
        .build()?;
    worker.run_until(tokio::signal::ctrl_c()).await?;
    Ok(())
}
