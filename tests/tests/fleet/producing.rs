//! `kcl produce`, and what it says of what it did.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use anyhow::{Context, Result, ensure};
use kcl_tests::{
    fleet::{Launch, Process, Signal},
    kinesis::TestStream,
};
use serde_json::{Value, json};

use super::{
    fake::{FakeKinesis, Reply, summary, taken},
    stage::{KCL, Servers, ended, pause},
};

const ARN: &str = "arn:aws:kinesis:us-east-1:123456789012:stream/orders";

fn produce(url: &str, arguments: &[&str]) -> Command {
    let mut command = Launch::command(KCL.as_ref());
    command.env("STREAM_NAME", "orders").args(["produce", "--region", "us-east-1"]);
    command.args(["--kinesis-endpoint", url, "--batch-delay-ms", "1"]).args(arguments);
    command
}

/// Runs a producer of these lines.
async fn of_lines(mut command: Command, lines: Vec<u8>) -> Result<Output> {
    command.arg("--stdin");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = Process::spawn(&mut command)?;
    let mut stdin = process.child().stdin.take().context("no stdin")?;
    // A producer that stops reads no further, and that is no error of the test's.
    let feed = std::thread::Builder::new().spawn(move || drop(stdin.write_all(&lines)))?;
    ended(&mut process).await?;
    drop(feed.join());
    Ok(process.into_output()?)
}

fn account(output: &Output) -> Result<Value> {
    serde_json::from_slice(&output.stdout).with_context(|| {
        let said = String::from_utf8_lossy(&output.stderr);
        format!("no account but {:?}, and {said}", String::from_utf8_lossy(&output.stdout))
    })
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn a_line_may_be_as_large_as_the_streams_records() -> Result<()> {
    let stream = TestStream::named(Servers::Node.kinesis(), "large-lines");
    let create = stream.client.create_stream().stream_name(&stream.name).shard_count(2);
    create.max_record_size_in_kib(10_240).send().await?;
    stream.settle().await?;
    let mut lines = Vec::new();
    for size in [3 << 20, 10, 4 << 20, 5 << 20] {
        lines.resize(lines.len() + size, b'x');
        lines.push(b'\n');
    }
    let command = produce(Servers::Node.kinesis(), &["--stream", &stream.name]);
    let output = of_lines(command, lines).await?;
    ensure!(account(&output)?["produced"] == 4, "{}", said(&output));
    ensure!(output.status.success(), "{}", said(&output));
    Ok(())
}

#[tokio::test]
async fn a_line_that_no_record_holds_is_named_and_those_before_it_are_put() -> Result<()> {
    let server = FakeKinesis::start(|asked, _| match &*asked.operation {
        "PutRecords" => taken(asked, |_| false),
        _ => summary(ARN, 1, 1_024),
    })
    .await?;
    let mut lines = b"one\ntwo\n".to_vec();
    lines.resize(lines.len() + (2 << 20), b'x');
    lines.extend_from_slice(b"\nfour\n");
    let output = of_lines(produce(&server.url, &[]), lines).await?;
    let (account, said) = (account(&output)?, said(&output));
    ensure!(account["produced"] == 2 && account["failed"] == 1, "{account}");
    ensure!(account["first_failed"] == 3, "{account}");
    ensure!(said.contains("line 3") && said.contains("1048576"), "{said}");
    ensure!(!said.contains("xxx") && output.status.code() == Some(1), "{said}");
    Ok(())
}

#[tokio::test]
async fn whoever_fails_says_what_is_put_what_failed_and_what_was_never_tried() -> Result<()> {
    let server = FakeKinesis::start(|asked, before| match &*asked.operation {
        "PutRecords" if before == 0 => taken(asked, |_| false),
        "PutRecords" => Reply::Error("AccessDeniedException"),
        // A producer may lack the right to ask.
        _ => Reply::Error("AccessDeniedException"),
    })
    .await?;
    let lines: String = (1..=10).map(|number| format!("line-{number}\n")).collect();
    let command = produce(&server.url, &["--batch-size", "4"]);
    let output = of_lines(command, lines.into_bytes()).await?;
    let (account, said) = (account(&output)?, said(&output));
    let expected = json!({
        "produced": 4, "retried": 0, "failed": 4, "not_tried": 2, "first_failed": 5,
        "first_not_tried": 9,
    });
    ensure!(account == expected, "{account}");
    ensure!(output.status.code() == Some(1) && said.contains("5 to 8"), "{said}");
    ensure!(said.contains("AccessDenied") && !said.contains("line-"), "{said}");
    Ok(())
}

#[tokio::test]
async fn whoever_is_told_to_stop_accounts_for_what_it_did() -> Result<()> {
    let server = FakeKinesis::start(|asked, _| match &*asked.operation {
        // One of each call.
        "PutRecords" => taken(asked, |number| number > 0),
        _ => summary(ARN, 1, 1_024),
    })
    .await?;
    let mut command = produce(&server.url, &["--total", "300"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = Process::spawn(&mut command)?;
    while server.count("PutRecords") < 2 {
        pause(20).await;
    }
    process.signal(Signal::TERM)?;
    let status = ended(&mut process).await?;
    let account = account(&process.into_output()?)?;
    ensure!(status.code() == Some(143), "{status}, {account}");
    let of = |what: &str| account[what].as_u64().context("no number");
    let (produced, failed) = (of("produced")?, of("failed")?);
    ensure!(produced >= 2 && produced + failed == 100 && of("not_tried")? == 200, "{account}");
    ensure!(account["first_not_tried"] == 101, "{account}");
    Ok(())
}

#[tokio::test]
async fn whoever_produces_without_end_is_stopped_by_a_signal_and_has_done_well() -> Result<()> {
    let server = FakeKinesis::start(|asked, _| match &*asked.operation {
        "PutRecords" => taken(asked, |_| false),
        _ => summary(ARN, 1, 1_024),
    })
    .await?;
    let mut command = produce(&server.url, &[]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = Process::spawn(&mut command)?;
    while server.count("PutRecords") < 2 {
        pause(20).await;
    }
    process.signal(Signal::INT)?;
    let status = ended(&mut process).await?;
    let account = account(&process.into_output()?)?;
    ensure!(status.success() && account["failed"] == 0, "{status}, {account}");
    let put = server.count("PutRecords") * 100;
    ensure!(account["produced"] == put, "{account}, and {put} were put");
    Ok(())
}
