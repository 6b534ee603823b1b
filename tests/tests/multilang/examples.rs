//! The processors of `examples/multilang`: each is told what a real daemon told one like it, and
//! has to answer, checkpoint and end as the protocol wants it; then all of them run under ours.

use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use kcl_core::{lease::Checkpoint, store::LeaseStoreExt};
use kcl_tests::{kinesis::TestStream, servers::installed};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::daemon::{Daemon, Place, Properties, leases_of};
use crate::fleet::stage::Servers;

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

/// How each is started, after what `tests/servers/install.sh` put there or Go has built.
#[derive(Clone, Copy, Debug)]
enum Example {
    Python,
    Node,
    Go,
}

impl Example {
    /// The command, split at blanks.
    async fn executable(self) -> Result<String> {
        let path = |name| file(name).display().to_string();
        Ok(match self {
            Self::Python => format!("python3 {}", path("examples/multilang/python/processor.py")),
            Self::Node => format!("node {}", path("examples/multilang/node/processor.js")),
            Self::Go => processor_in_go().await?.display().to_string(),
        })
    }

    /// Where it finds the client that it is made with.
    fn environment(self) -> Result<Option<(&'static str, PathBuf)>> {
        Ok(match self {
            Self::Python => Some(("PYTHONPATH", installed("amazon_kclpy")?)),
            Self::Node => Some(("NODE_PATH", installed("aws-kcl/node_modules")?)),
            Self::Go => None,
        })
    }

    async fn speaks_the_protocol(self, habits: &Habits) -> Result<()> {
        let executable = self.executable().await?;
        let environment = self.environment()?;
        let command = || {
            let mut words = executable.split(' ');
            let mut command = Command::new(words.next().context("no program")?);
            command.args(words).envs(environment.clone()).env("PYTHONUTF8", "1");
            Ok(command)
        };
        judge(command, habits)
    }

    /// Runs it for a stream under `kcl multilang`.
    async fn under_ours(self, stream: &str) -> Result<(Daemon, String)> {
        let application = format!("{stream}-{self:?}");
        let place = Place::new(&Properties {
            executable: self.executable().await?,
            application: application.clone(),
            stream: stream.to_owned(),
            kinesis: Servers::InProcess.kinesis().to_owned(),
            dynamodb: Servers::InProcess.dynamodb().to_owned(),
            more: String::new(),
        })?;
        let mut command = place.command(&[]);
        command.envs(self.environment()?);
        Ok((place.start(command)?, application))
    }
}

#[tokio::test]
async fn the_example_in_python_speaks_the_protocol() -> Result<()> {
    Example::Python.speaks_the_protocol(&Habits { subs: true, on_request: true }).await
}

#[tokio::test]
async fn the_example_in_node_speaks_the_protocol() -> Result<()> {
    Example::Node.speaks_the_protocol(&Habits { subs: false, on_request: true }).await
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

/// The processor for VMware-Go-KCL, built once.
async fn processor_in_go() -> Result<&'static Path> {
    static BUILT: OnceCell<PathBuf> = OnceCell::const_new();
    let build = || async {
        let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("multilang-in-go");
        let path = built.to_str().context("a folder that is no text")?;
        go(&["build", "-ldflags=-s -w", "-o", path, "./example"])?;
        anyhow::Ok(built)
    };
    Ok(BUILT.get_or_try_init(build).await?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_processor_for_vmware_go_kcl_runs_as_a_child_and_its_shim_passes_its_tests() -> Result<()>
{
    Example::Go.speaks_the_protocol(&Habits { subs: true, on_request: false }).await?;
    go(&["test", "-vet=off", "./..."])
}

/// Each reads the stream as an application of its own: both shards, and the children of one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_examples_run_under_ours_through_a_split_to_a_clean_stop() -> Result<()> {
    let stream = TestStream::create(Servers::InProcess.kinesis(), "examples", 2).await?;
    let shards = stream.shards().await?;
    let beginning = |shard: &kcl_core::stream::Shard| shard.range.map(|range| range.start);
    for (number, shard) in shards.iter().enumerate() {
        stream.put("café", beginning(shard), format!("order {number}").as_bytes()).await?;
    }
    stream.split(&shards[0]).await?;
    for (number, shard) in stream.shards().await?.iter().enumerate().skip(2) {
        stream.put("café", beginning(shard), format!("order {number}").as_bytes()).await?;
    }
    let mut daemons = Vec::new();
    for example in [Example::Python, Example::Node, Example::Go] {
        daemons.push(example.under_ours("examples").await?);
    }
    for (daemon, application) in &mut daemons {
        for number in 0..4 {
            let text = format!("café order {number}");
            daemon.until_log(&text, |log| log.contains(&text)).await?;
        }
        let pid = u64::from(daemon.process.child().id());
        let status = daemon.terminate(pid).await?;
        ensure!(status.success(), "{application}: {status}\n{}", daemon.log());
        let store = leases_of(Servers::InProcess.dynamodb(), application)?;
        let leases = store.all_leases().await?;
        let of_shards = || leases.iter().filter(|lease| !lease.key.is_role());
        let ended = of_shards().filter(|lease| lease.checkpoint == Checkpoint::ShardEnd).count();
        let read =
            of_shards().filter(|lease| matches!(lease.checkpoint, Checkpoint::After(_))).count();
        ensure!((ended, read) == (1, 3), "{application}: {leases:?}");
    }
    Ok(())
}
