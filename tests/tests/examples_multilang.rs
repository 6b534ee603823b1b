//! The processors of `examples/multilang`: each is told what a real daemon told one like it, and has
//! to answer, checkpoint and end as the protocol wants it.

use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use kcl_tests::servers::installed;
use serde_json::{Value, json};

/// What the Java KCL's daemon said to the sample of `amazon_kclpy`.
const RECORDED: &str = "tests/fixtures/multilang/2.7.2-python.jsonl";

/// A file or folder of the project.
fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// What the daemon said of a shard, without its answers to checkpoints.
fn said_by_daemon(shard: &str) -> Result<Vec<Value>> {
    let text = fs::read_to_string(file(RECORDED))?;
    let mut said = Vec::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line)?;
        let message = &line["message"];
        let counts = line["from"] == "daemon" && line["shard"] == shard && message.is_object();
        if counts && message["action"] != "checkpoint" {
            said.push(message.clone());
        }
    }
    ensure!(said.len() >= 3, "{RECORDED} has little of {shard}: {said:?}");
    Ok(said)
}

/// A processor's process, as a daemon sees it.
struct Processor {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Processor {
    fn start(command: &mut Command) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("{command:?}"))?;
        let input = child.stdin.take().context("no standard input")?;
        let output = BufReader::new(child.stdout.take().context("no standard output")?);
        Ok(Self { child, input, output })
    }

    fn tell(&mut self, message: &Value) -> Result<()> {
        // As ours does: nothing but ASCII.
        let mut line = String::new();
        for unit in message.to_string().encode_utf16() {
            match u8::try_from(unit) {
                Ok(byte) if byte.is_ascii() => line.push(char::from(byte)),
                _ => line.push_str(&format!("\\u{unit:04x}")),
            }
        }
        writeln!(self.input, "{line}").context("it does not listen")
    }

    /// The next message; the client for Python begins each by a blank line.
    fn hear(&mut self) -> Result<Value> {
        let mut line = String::new();
        while line.trim().is_empty() {
            line.clear();
            if self.output.read_line(&mut line)? == 0 {
                let mut log = String::new();
                self.child.stderr.take().context("no log")?.read_to_string(&mut log)?;
                anyhow::bail!("it ended: {log}");
            }
        }
        serde_json::from_str(&line).with_context(|| line)
    }

    /// Tells it to do something; returns where it checkpointed before it was done.
    fn act(&mut self, message: &Value, error: Option<&str>) -> Result<Vec<(Value, Value)>> {
        self.tell(message)?;
        let mut checkpoints = Vec::new();
        loop {
            let heard = self.hear()?;
            if heard["action"] == "status" {
                ensure!(heard["responseFor"] == message["action"], "{heard} to {message}");
                return Ok(checkpoints);
            }
            ensure!(heard["action"] == "checkpoint", "{heard}");
            let (at, sub) = (heard["sequenceNumber"].clone(), heard["subSequenceNumber"].clone());
            self.tell(&json!({
                "action": "checkpoint", "sequenceNumber": at, "subSequenceNumber": sub,
                "error": error,
            }))?;
            checkpoints.push((at, sub));
        }
    }

    /// Ends it as a daemon does; returns what it wrote to its log.
    fn end(self) -> Result<String> {
        let Self { child, input, output } = self;
        drop((input, output));
        let output = child.wait_with_output()?;
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "{}: {log}", output.status);
        Ok(log)
    }
}

/// What an example does that another does not.
struct Habits {
    /// It says the sub-sequence number of an aggregate's record.
    subs: bool,
    /// It checkpoints when it is asked to shut down.
    on_request: bool,
}

/// Plays a shard to its end, and another until the worker stops.
fn judge(mut command: impl FnMut() -> Result<Command>, habits: &Habits) -> Result<()> {
    for (shard, error) in [
        ("shardId-000000000000", None),
        ("shardId-000000000001", None),
        // Refused checkpoints change nothing for the processor.
        ("shardId-000000000000", Some("ThrottlingException")),
    ] {
        let mut processor = Processor::start(&mut command()?)?;
        let mut texts = Vec::new();
        for message in said_by_daemon(shard)? {
            let checkpoints = processor.act(&message, error)?;
            let at = match message["action"].as_str() {
                Some("processRecords") => {
                    let records = message["records"].as_array().context("no records")?;
                    texts.extend(records.iter().map(|record| record["partitionKey"].clone()));
                    let last = records.last().context("an empty batch")?;
                    let sub = &last["subSequenceNumber"];
                    let sub = if habits.subs { sub.clone() } else { Value::Null };
                    Some((last["sequenceNumber"].clone(), sub))
                }
                Some("shutdownRequested") if !habits.on_request => None,
                Some("shardEnded" | "shutdownRequested") => Some((Value::Null, Value::Null)),
                _ => None,
            };
            // Of a refused end, some make sure twice.
            let mut expected: Vec<_> = at.into_iter().collect();
            if error.is_some() && checkpoints.len() == 2 && message["action"] == "shardEnded" {
                expected.push(expected[0].clone());
            }
            ensure!(checkpoints == expected, "{message}: {checkpoints:?}, not {expected:?}");
        }
        let log = processor.end()?;
        for text in texts {
            let text = text.as_str().context("no key")?;
            ensure!(log.contains(text), "it never saw {text}: {log}");
        }
    }
    Ok(())
}

#[test]
fn the_example_in_python_speaks_the_protocol() -> Result<()> {
    let client = installed("amazon_kclpy")?;
    let command = || {
        let mut command = Command::new("python3");
        command.arg(file("examples/multilang/python/processor.py"));
        command.env("PYTHONPATH", &client).env("PYTHONUTF8", "1");
        Ok(command)
    };
    judge(command, &Habits { subs: true, on_request: true })
}

#[test]
fn the_example_in_node_speaks_the_protocol() -> Result<()> {
    let modules = installed("aws-kcl/node_modules")?;
    let command = || {
        let mut command = Command::new("node");
        command.arg(file("examples/multilang/node/processor.js")).env("NODE_PATH", &modules);
        Ok(command)
    };
    judge(command, &Habits { subs: false, on_request: true })
}

/// A command of Go in the example's folder. What it builds is run once: it is not optimized.
fn go(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("go");
    command.current_dir(file("examples/multilang/go")).args(arguments);
    command.env("CGO_ENABLED", "0").env("GOFLAGS", "-mod=readonly '-gcflags=all=-N -l'");
    let output = command.output().context("go is not installed: tests/servers/install.sh")?;
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "go {arguments:?}: {said}");
    Ok(())
}

#[test]
fn a_processor_for_vmware_go_kcl_runs_as_a_child_and_its_shim_passes_its_tests() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let built = folder.path().join("processor");
    let path = built.to_str().context("a folder that is no text")?;
    go(&["build", "-ldflags=-s -w", "-o", path, "./example"])?;
    let command = || Ok(Command::new(&built));
    judge(command, &Habits { subs: true, on_request: false })?;
    go(&["test", "-vet=off", "./..."])
}
