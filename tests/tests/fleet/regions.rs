//! Streams that are given by their ARN, and stand-ins for Kinesis that do not offer everything.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Result, ensure};
use kcl_tests::fleet::Launch;
use serde_json::json;

use super::{
    fake::{Asked, FakeKinesis, Reply, one_shard, summary, taken},
    stage::{self, KCL},
};

const ARN: &str = "arn:aws:kinesis:ap-south-1:123456789012:stream/orders";

/// A stream with a shard, until it is deleted.
fn stream() -> impl Fn(&Asked, usize) -> Reply {
    let is_gone = AtomicBool::new(false);
    move |asked, _| match &*asked.operation {
        "DescribeStreamSummary" if is_gone.load(Ordering::Relaxed) => {
            Reply::Error("ResourceNotFoundException")
        }
        "DescribeStreamSummary" => summary(ARN, 1, 1_024),
        "ListShards" => one_shard(),
        "PutRecords" => taken(asked, |_| false),
        "DeleteStream" => {
            is_gone.store(true, Ordering::Relaxed);
            Reply::Json(json!({}))
        }
        _ => Reply::Json(json!({})),
    }
}

fn kcl(server: &FakeKinesis, stream: &str, arguments: &[&str]) -> Command {
    let mut command = Launch::command(KCL.as_ref());
    command.args(arguments).args(["--stream", stream, "--kinesis-endpoint", &server.url]);
    command.env("AWS_REGION", "us-east-1");
    command
}

const COMMANDS: [&[&str]; 7] = [
    &["produce", "--total", "1", "--batch-delay-ms", "1"],
    &["stream", "create", "--shards", "1"],
    &["stream", "describe"],
    &["stream", "reshard", "--to", "1"],
    &["stream", "split", "shardId-000000000000"],
    &["stream", "merge", "shardId-000000000000", "shardId-000000000001"],
    &["stream", "delete"],
];

#[tokio::test]
async fn a_stream_given_by_its_arn_is_called_in_the_arns_region() -> Result<()> {
    let server = FakeKinesis::start(stream()).await?;
    for arguments in COMMANDS {
        let output = stage::run(kcl(&server, ARN, arguments)).await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{arguments:?}: {said}");
    }
    let asked = server.asked();
    let operations =
        ["PutRecords", "CreateStream", "ListShards", "SplitShard", "MergeShards", "DeleteStream"];
    for operation in operations {
        ensure!(server.count(operation) > 0, "nobody asked {operation}");
    }
    for Asked { operation, region, body } in asked {
        ensure!(region == "ap-south-1", "{operation} went to {region:?}");
        let named = body["StreamARN"] == ARN || body["StreamName"] == "orders";
        ensure!(named, "{operation}: {body}");
    }
    Ok(())
}

#[tokio::test]
async fn a_region_that_contradicts_the_arn_is_refused_before_anything_is_sent() -> Result<()> {
    let server = FakeKinesis::start(stream()).await?;
    for arguments in COMMANDS {
        let mut command = kcl(&server, ARN, arguments);
        command.args(["--region", "eu-west-1"]);
        let output = stage::run(command).await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(!output.status.success(), "{arguments:?}");
        ensure!(said.contains("eu-west-1") && said.contains(ARN), "{arguments:?}: {said}");
    }
    ensure!(server.asked().is_empty(), "{:?}", server.asked());
    Ok(())
}

#[tokio::test]
async fn a_stream_that_is_created_in_another_account_than_its_arn_names_is_told_of() -> Result<()> {
    let server = FakeKinesis::start(stream()).await?;
    let other = ARN.replace("123456789012", "210987654321");
    let output = stage::run(kcl(&server, &other, &["stream", "create"])).await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success() && said.contains(ARN) && said.contains(&other), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_service_that_cannot_reshard_is_told_of_in_plain_words() -> Result<()> {
    let answer = Arc::new(stream());
    let server = FakeKinesis::start(move |asked, before| match &*asked.operation {
        "UpdateShardCount" => Reply::Error("UnknownOperationException"),
        _ => answer(asked, before),
    })
    .await?;
    let arguments = ["stream", "reshard", "--to", "2"];
    let output = stage::run(kcl(&server, "orders", &arguments)).await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success(), "{said}");
    for expected in ["orders", "UnknownOperationException", "kcl stream split"] {
        ensure!(said.contains(expected), "{said}");
    }
    ensure!(!said.contains('{') && !said.contains("Unhandled"), "{said}");
    Ok(())
}
