//! A settings file in the shape that a published proof of concept has: `kcl produce` and
//! `kcl consume` run it as it is. `total_messages: 0` is a producer without end.

use std::{fs, path::Path, process::Command};

use anyhow::{Result, ensure};
use kcl_tests::{
    fleet::{Launch, Process, Signal},
    kinesis::TestStream,
};
use serde_json::Value;

use super::stage::{KCL, Servers, ended, pause};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/poc.yaml");

/// More than one could take for a number that somebody gave.
const MANY: usize = 300;

fn command(verb: &str, servers: Servers) -> Command {
    let mut command = Launch::command(KCL.as_ref());
    command.args([verb, "--config", FILE, "--region", "us-east-1"]);
    command.args(["--kinesis-endpoint", servers.kinesis()]);
    command.args(["--dynamodb-endpoint", servers.dynamodb()]);
    command
}

fn lines(file: &Path) -> Result<usize> {
    Ok(fs::read_to_string(file)?.lines().count())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_published_settings_produce_without_end_and_are_consumed() -> Result<()> {
    let servers = Servers::InProcess;
    TestStream::create(servers.kinesis(), "orders", 2).await?;
    let folder = tempfile::tempdir()?;
    let (put, read) = (folder.path().join("put"), folder.path().join("read"));
    let log = |name: &str| folder.path().join(name);
    let mut producer = Process::start(&mut command("produce", servers), &put, &log("put.log"))?;
    let mut consumer = Process::start(&mut command("consume", servers), &read, &log("read.log"))?;
    for _ in 0..3_000 {
        if lines(&read)? >= MANY {
            break;
        }
        pause(20).await;
    }
    ensure!(lines(&read)? >= MANY, "{}", fs::read_to_string(log("read.log"))?);
    ensure!(producer.ended()?.is_none(), "it ended by itself");
    for process in [&mut producer, &mut consumer] {
        process.signal(Signal::TERM)?;
        ensure!(ended(process).await?.success());
    }
    let account: Value = serde_json::from_slice(&fs::read(&put)?)?;
    ensure!(account["produced"].as_u64() >= Some(MANY as u64), "{account}");
    let first: Value = serde_json::from_str(fs::read_to_string(&read)?.lines().next().unwrap())?;
    ensure!(first["stream"] == "orders", "{first}");
    Ok(())
}
