//! The same children under ours and under the real Java daemon, whose messages were recorded: two
//! shards with plain and aggregated records, a split, records in the children, and SIGTERM.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use aws_sdk_kinesis::primitives::Blob;
use kcl_core::{lease::Checkpoint, store::LeaseStoreExt};
use kcl_tests::{kinesis::TestStream, servers::installed};

use super::{
    daemon::{Daemon, Place, Properties, child_of, leases_of},
    transcript::{Said, by_shard, of_java},
};
use crate::fleet::stage::Servers;

const SERVERS: Servers = Servers::InProcess;

/// Two records packed by the KPL, with the keys that were recorded, in either half of the hash
/// keys.
const AGGREGATES: [&str; 2] = [
    "84mawgoKY3VzdG9tZXItNBoLCAAaB29yZGVyIDMaCwgAGgdvcmRlciA0/OBi\
     NzCCq0g9qNI4lHiIVg==",
    "84mawgoKY3VzdG9tZXItMBoLCAAaB29yZGVyIDMaCwgAGgdvcmRlciA0ha2p\
     rByn/yXJsJORr0xxwA==",
];

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// How a child is started, and what was recorded of one like it.
#[derive(Clone, Copy, Debug)]
enum Judge {
    /// The sample of `amazon_kclpy`, unchanged, by `amazon_kclpy_helper.py`.
    Python,
    /// A processor for `aws-kcl`, by `kcl-bootstrap`.
    Node,
    /// One that tries what the protocol allows, by `kcl multilang`.
    Scripted,
}

impl Judge {
    const ALL: [Self; 3] = [Self::Python, Self::Node, Self::Scripted];

    const fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Node => "node",
            Self::Scripted => "scripted",
        }
    }

    fn executable(self) -> Result<String> {
        Ok(match self {
            Self::Python => {
                let sample = installed("amazon_kclpy/samples/sample_kclpy_app.py")?;
                format!("python3 {}", sample.display())
            }
            Self::Node => {
                format!("node {}", file("examples/multilang/node/processor.js").display())
            }
            Self::Scripted => {
                format!("python3 {}", file("tests/interop/child/scripted.py").display())
            }
        })
    }

    fn start(self, stream: &str) -> Result<Daemon> {
        let place = Place::new(&Properties {
            executable: self.executable()?,
            application: format!("{stream}-{}", self.name()),
            stream: stream.to_owned(),
            kinesis: SERVERS.kinesis().to_owned(),
            dynamodb: SERVERS.dynamodb().to_owned(),
            more: String::new(),
        })?;
        let command = self.command(&place)?;
        place.start(command)
    }

    fn command(self, place: &Place) -> Result<Command> {
        let (java, properties) = (place.java.display(), place.properties.display());
        Ok(match self {
            Self::Python => {
                let python = installed("amazon_kclpy")?;
                let helper = python.join("samples/amazon_kclpy_helper.py");
                let mut command = place.program(Path::new("sh"));
                // As its page says: the helper prints the command, and a shell runs it.
                let line = format!(
                    "exec `python3 {} --print_command --java {java} --properties {properties}`",
                    helper.display()
                );
                command.args(["-c", &line]).env("PYTHONPATH", python);
                command
            }
            Self::Node => {
                let bootstrap = installed("aws-kcl/node_modules/aws-kcl/bin/kcl-bootstrap")?;
                let mut command = place.program(Path::new("node"));
                let modules = installed("aws-kcl/node_modules")?;
                command
                    .arg(bootstrap)
                    .args(["-e", "--java", &java.to_string()])
                    .args(["--properties", &properties.to_string(), "--jar-path"])
                    .arg(installed("aws-kcl/jars")?)
                    .env("NODE_PATH", modules);
                command
            }
            Self::Scripted => place.command(&[]),
        })
    }

    /// The process that is to be told to stop: a launcher passes no signals on.
    fn pid(self, daemon: &mut Daemon) -> Result<u64> {
        let own = daemon.process.child().id();
        match self {
            Self::Node => child_of(own).context("the launcher has no child"),
            _ => Ok(u64::from(own)),
        }
    }
}

async fn put(stream: &TestStream, hash: &str, key: &str, data: &[u8]) -> Result<()> {
    let put = stream.client.put_record().stream_name(&stream.name).partition_key(key);
    put.explicit_hash_key(hash).data(Blob::new(data)).send().await?;
    Ok(())
}

/// Where each shard's hash keys begin, in the order of the shards.
async fn beginnings(stream: &TestStream) -> Result<Vec<String>> {
    let shards = stream.shards().await?;
    let range = shards.iter().map(|shard| shard.range.context("a shard without hash keys"));
    range.map(|range| Ok(range?.start.to_string())).collect()
}

fn is_done(said: &[Said], action: &str, shards: &[usize]) -> bool {
    shards.iter().all(|shard| {
        let shard = format!("shardId-{shard:012}");
        said.iter().any(|it| it.shard == shard && it.has_done(action))
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn children_are_told_what_the_java_daemon_tells_them() -> Result<()> {
    let stream = TestStream::create(SERVERS.kinesis(), "recorded", 2).await?;
    for (hash, aggregate) in beginnings(&stream).await?.iter().zip(AGGREGATES) {
        put(&stream, hash, "customer-1", b"order 1").await?;
        put(&stream, hash, "café \"Süd\" ☕", b"order 2").await?;
        put(&stream, hash, "customer-3", &decode(aggregate)?).await?;
    }
    let mut daemons = Vec::new();
    for judge in Judge::ALL {
        daemons.push((judge, judge.start(&stream.name)?));
    }
    for (_, daemon) in &mut daemons {
        daemon.until("the first records", |said| is_done(said, "processRecords", &[0, 1])).await?;
    }
    let first = stream.shards().await?.into_iter().next().context("no shard")?;
    stream.split(&first).await?;
    for (_, daemon) in &mut daemons {
        daemon.until("the end of a shard", |said| is_done(said, "shardEnded", &[0])).await?;
        daemon.until("its children", |said| is_done(said, "initialize", &[2, 3])).await?;
    }
    for hash in beginnings(&stream).await?.iter().skip(2) {
        put(&stream, hash, "customer-5", b"order 5").await?;
    }
    for (judge, daemon) in &mut daemons {
        daemon.until("their records", |said| is_done(said, "processRecords", &[2, 3])).await?;
        let pid = judge.pid(daemon)?;
        let status = daemon.terminate(pid).await?;
        ensure!(status.success(), "{judge:?}: {status}:\n{}", daemon.log());
    }
    for (judge, daemon) in &daemons {
        compare(*judge, &daemon.said()?)?;
        check_leases(&format!("{}-{}", stream.name, judge.name())).await?;
    }
    Ok(())
}

/// Message by message: what is said between daemon and child, in order, shard by shard.
fn compare(judge: Judge, said: &[Said]) -> Result<()> {
    let ours = by_shard(said);
    for version in ["2.7.2", "3.5.1"] {
        let name = format!("tests/fixtures/multilang/{version}-{}.jsonl", judge.name());
        let java = by_shard(&of_java(&file(&name))?);
        ensure!(java.len() == 4, "{name} has other shards: {:?}", java.keys());
        for (shard, java) in &java {
            let ours = ours.get(shard).with_context(|| format!("{judge:?}: nothing of {shard}"))?;
            ensure!(
                ours == java,
                "{judge:?} {shard} beside {version}:\nours {ours:#?}\nJava {java:#?}"
            );
        }
        ensure!(ours.len() == java.len(), "{judge:?}: other shards: {:?}", ours.keys());
    }
    Ok(())
}

/// Everything is handed over: what has ended has ended, the rest is at its last record and
/// nobody's.
async fn check_leases(application: &str) -> Result<()> {
    let store = leases_of(SERVERS.dynamodb(), application)?;
    let leases = store.all_leases().await?;
    let leases: Vec<_> = leases.iter().filter(|lease| lease.key.shard().is_some()).collect();
    ensure!(leases.len() >= 3, "{application}: {leases:?}");
    for lease in leases {
        let first = lease.key.shard().is_some_and(|shard| shard.as_str().ends_with('0'));
        let right = match lease.checkpoint {
            Checkpoint::ShardEnd => first,
            Checkpoint::After(_) => !first,
            _ => false,
        };
        ensure!(right && lease.owner.is_none(), "{application}: {lease:?}");
    }
    Ok(())
}

fn decode(text: &str) -> Result<Vec<u8>> {
    Ok(aws_smithy_types::base64::decode(text)?)
}
