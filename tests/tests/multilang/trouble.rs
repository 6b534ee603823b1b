//! One worker with children that fail in every way, each on a shard of its own: that child alone is
//! started again, and gets the same records; the others go on.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result, ensure};
use kcl_core::{
    lease::{Checkpoint, Lease},
    store::LeaseStoreExt,
};
use kcl_tests::{fleet::Signal, kinesis::TestStream, servers::Counted};
use serde_json::Value;

use super::{
    daemon::{Daemon, Place, Properties, leases_of, lives, signal},
    transcript::Said,
};
use crate::fleet::stage::Servers;

const SERVERS: Servers = Servers::InProcess;

/// What the first record of each shard says.
const FIRST: [&str; 5] = ["keep", "noise", "hang", "rubbish", "exit"];

fn shard(number: usize) -> String {
    format!("shardId-{number:012}")
}

/// The processes that worked on a shard, in order.
fn pids(said: &[Said], number: usize) -> Vec<u64> {
    let mut pids: Vec<u64> = Vec::new();
    for said in said.iter().filter(|said| said.shard == shard(number)) {
        if !pids.contains(&said.pid) {
            pids.push(said.pid);
        }
    }
    pids
}

/// How often a shard's children say that they have done something.
fn count(said: &[Said], number: usize, action: &str) -> usize {
    said.iter().filter(|it| it.shard == shard(number) && it.has_done(action)).count()
}

/// The data of the records that each process of a shard was given.
fn given(said: &[Said], number: usize) -> BTreeMap<u64, Vec<String>> {
    let mut given: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for said in said.iter().filter(|said| said.shard == shard(number)) {
        for record in said.records() {
            let data = record["data"].as_str().unwrap_or_default();
            let data = aws_smithy_types::base64::decode(data).unwrap_or_default();
            let data = String::from_utf8_lossy(&data).into_owned();
            given.entry(said.pid).or_default().push(data);
        }
    }
    given
}

async fn put(stream: &TestStream, number: usize, data: &str) -> Result<()> {
    let shards = stream.shards().await?;
    let range = shards.get(number).and_then(|shard| shard.range).context("no such shard")?;
    stream.put("key", Some(range.start), data.as_bytes()).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_that_fails_is_started_again_and_others_go_on() -> Result<()> {
    let stream =
        TestStream::create(SERVERS.kinesis(), "trouble", i32::try_from(FIRST.len())?).await?;
    let proxy = Counted::before(SERVERS.dynamodb())?;
    let child = Path::new(env!("CARGO_MANIFEST_DIR")).join("multilang/troubled.py");
    let notes = tempfile::tempdir()?;
    let place = Place::new(&Properties {
        executable: format!("python3 {} {}", child.display(), notes.path().display()),
        application: "trouble".to_owned(),
        stream: stream.name.clone(),
        kinesis: SERVERS.kinesis().to_owned(),
        dynamodb: proxy.url().to_owned(),
        more: "timeoutInSeconds = 8".to_owned(),
    })?;
    for (number, what) in FIRST.iter().enumerate() {
        put(&stream, number, what).await?;
    }
    let command = place.command(&[]);
    let mut daemon = place.start(command)?;
    one_dies(&mut daemon).await?;
    some_fail(&mut daemon, notes.path()).await?;
    one_is_throttled(&mut daemon, &stream, &proxy).await?;
    check_environment(notes.path()).await?;
    two_are_merged(&mut daemon, &stream).await?;
    all_leave(&mut daemon).await
}

/// `kill -9` of a child that has nothing to do, and has not checkpointed.
async fn one_dies(daemon: &mut Daemon) -> Result<()> {
    let said = daemon.until("a batch", |said| count(said, 0, "processRecords") == 1).await?;
    // One that took too long to begin may have been before it.
    let pid = pids(&said, 0).pop().context("no process")?;
    signal(pid, Signal::KILL)?;
    let said = daemon.until("it again", |said| count(said, 0, "processRecords") == 2).await?;
    let given = given(&said, 0);
    ensure!(given.len() == 2 && given.values().all(|it| *it == ["keep"]), "{given:?}");
    daemon.until_logged("while it was asked nothing: it was ended by signal 9").await
}

/// The others: one that is loud, and three that are of no use any more.
async fn some_fail(daemon: &mut Daemon, notes: &Path) -> Result<()> {
    let is_done = |said: &[Said]| (0..FIRST.len()).all(|it| count(said, it, "processRecords") > 0);
    let said = daemon.until("every shard's batch", is_done).await?;
    for (number, what) in FIRST.iter().enumerate() {
        let given = given(&said, number);
        let lives = if *what == "noise" { 1 } else { 2 };
        ensure!(given.len() == lives, "{what}: {given:?}\n{}", daemon.log());
        ensure!(given.values().all(|given| given == &[*what]), "{what}: {given:?}");
    }
    for says in [
        "did not answer processRecords within 8s and was killed",
        "was asked to do processRecords and says that it did shardEnded",
        "did not do processRecords: it ended with exit code 3; the last line on its stderr: I give",
        "kcl.child.noise",
        "line=\"I give up\"",
    ] {
        daemon.until_logged(says).await?;
    }
    let log = daemon.log();
    ensure!(!log.contains("xxxxxxxx") && !log.contains("surprise"), "noise is logged:\n{log}");
    // What a child has started goes with it.
    let sleeper: u64 = fs::read_to_string(notes.join("sleeper"))?.parse()?;
    ensure!(!lives(sleeper), "what the child that hung has started lives on");
    Ok(())
}

/// The table asks to slow down: the child hears it by the Java KCL's name, and tries again.
async fn one_is_throttled(daemon: &mut Daemon, stream: &TestStream, proxy: &Counted) -> Result<()> {
    let code = "ProvisionedThroughputExceededException";
    proxy.refuse_about(&shard(4), &["UpdateItem"], code);
    put(stream, 4, "throttled").await?;
    let error = |said: &[Said], wanted: &Value| {
        let of_shard = said.iter().filter(|it| it.shard == shard(4) && it.from == "worker");
        let mut replies = of_shard.filter(|it| it.message["action"] == "checkpoint");
        replies.next_back().is_some_and(|it| it.message["error"] == *wanted)
    };
    let throttled = Value::from("ThrottlingException");
    daemon.until("a throttled checkpoint", |said| error(said, &throttled)).await?;
    proxy.refuse(&[], code);
    daemon.until("a taken one", |said| error(said, &Value::Null)).await?;
    daemon.until("the batch", |said| count(said, 4, "processRecords") == 2).await?;
    Ok(())
}

async fn leases() -> Result<BTreeMap<String, Lease>> {
    let store = leases_of(SERVERS.dynamodb(), "trouble")?;
    let leases = store.all_leases().await?.into_iter();
    Ok(leases.filter_map(|lease| Some((lease.key.shard()?.to_string(), lease))).collect())
}

/// Each child knows which lease it works under.
async fn check_environment(notes: &Path) -> Result<()> {
    let leases = leases().await?;
    for number in 0..FIRST.len() {
        let text = fs::read_to_string(notes.join(format!("environment-{}", shard(number))))?;
        let all: BTreeMap<String, String> = serde_json::from_str(&text)?;
        let epoch = leases.get(&shard(number)).context("no lease")?.epoch.0.to_string();
        for (name, value) in [
            ("KCL_FENCE", &*epoch),
            ("KCL_SHARD", &*shard(number)),
            ("KCL_STREAM", "trouble"),
            ("KCL_APPLICATION", "trouble"),
            ("KCL_WORKER", "worker-1"),
        ] {
            ensure!(all.get(name).is_some_and(|it| it == value), "{name}: {value}: {all:?}");
        }
    }
    Ok(())
}

/// Their children acknowledge the end, and one for the shard that continues both is started.
async fn two_are_merged(daemon: &mut Daemon, stream: &TestStream) -> Result<()> {
    stream.merge(&shard(0).parse()?, &shard(1).parse()?).await?;
    daemon
        .until("both ends", |said| (0..2).all(|shard| count(said, shard, "shardEnded") == 1))
        .await?;
    daemon.until("its child", |said| count(said, 5, "initialize") == 1).await?;
    put(stream, 5, "more").await?;
    daemon.until("its batch", |said| count(said, 5, "processRecords") == 1).await?;
    let leases = leases().await?;
    for number in 0..2 {
        let lease = leases.get(&shard(number)).context("no lease")?;
        ensure!(lease.checkpoint == Checkpoint::ShardEnd, "{lease:?}");
    }
    Ok(())
}

/// SIGTERM: each child may checkpoint, and nothing is left behind.
async fn all_leave(daemon: &mut Daemon) -> Result<()> {
    let pid = u64::from(daemon.process.child().id());
    let status = daemon.terminate(pid).await?;
    ensure!(status.success(), "{status}:\n{}", daemon.log());
    let said = daemon.said()?;
    for number in 2..6 {
        for action in ["shutdownRequested", "leaseLost"] {
            ensure!(count(&said, number, action) == 1, "{action} {number}:\n{}", daemon.log());
        }
    }
    let all: BTreeSet<u64> = said.iter().map(|said| said.pid).collect();
    ensure!(all.len() >= 10, "{all:?}");
    ensure!(!all.iter().any(|pid| lives(*pid)), "children live on");
    for (shard, lease) in leases().await? {
        let is_read = matches!(lease.checkpoint, Checkpoint::After(_) | Checkpoint::ShardEnd);
        ensure!(lease.owner.is_none() && is_read, "{shard}: {lease:?}");
    }
    Ok(())
}
