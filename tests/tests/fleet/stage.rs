//! What the tests share: servers, a stream, a producer, a fleet.

use std::{
    process::{Command, ExitStatus, Output, Stdio},
    sync::{Arc, LazyLock},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use kcl_core::{lease::Checkpoint, store::LeaseStore, stream::Shard};
use kcl_tests::{
    fleet::{Fleet, Launch, Process, Producer, oracle, oracle::Verdict},
    kinesis::TestStream,
    servers::{Dynalite, Dynoxide, Ferrokinesis, KinesisLocal},
};

/// The `kcl` command.
pub(crate) const KCL: &str = env!("CARGO_BIN_EXE_kcl-under-test");

/// The keys that records are put under.
const KEYS: usize = 40;

/// A Kinesis and a DynamoDB API server.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Servers {
    /// In this process. The end of a shard names no children; a refused write tells the row.
    InProcess,
    /// Node programs. The end of a shard names its children; a refused write tells nothing.
    Node,
}

impl Servers {
    pub(crate) fn kinesis(self) -> &'static str {
        static OURS: LazyLock<Ferrokinesis> = LazyLock::new(|| Ferrokinesis::start().unwrap());
        static NODE: LazyLock<KinesisLocal> = LazyLock::new(|| KinesisLocal::start().unwrap());
        match self {
            Self::InProcess => OURS.url(),
            Self::Node => NODE.url(),
        }
    }

    pub(crate) fn dynamodb(self) -> &'static str {
        static OURS: LazyLock<Dynoxide> = LazyLock::new(|| Dynoxide::start().unwrap());
        static NODE: LazyLock<Dynalite> = LazyLock::new(|| Dynalite::start().unwrap());
        match self {
            Self::InProcess => OURS.url(),
            Self::Node => NODE.url(),
        }
    }
}

/// A stream with its producer, and a fleet that reads it.
pub(crate) struct Stage {
    pub(crate) stream: TestStream,
    pub(crate) producer: Producer,
    pub(crate) fleet: Fleet,
}

impl Stage {
    /// A new stream, and nobody who reads it.
    pub(crate) async fn new(servers: Servers, name: &str, shards: i32) -> Result<Self> {
        Self::with(servers, name, shards, |launch| launch).await
    }

    /// The same, with the fleet's settings changed.
    pub(crate) async fn with(
        servers: Servers,
        name: &str,
        shards: i32,
        change: impl FnOnce(Launch) -> Launch,
    ) -> Result<Self> {
        let stream = TestStream::create(servers.kinesis(), name, shards).await?;
        let launch = Launch::new(KCL, name, servers.kinesis(), servers.dynamodb());
        let fleet = Fleet::new(change(launch))?;
        Ok(Self { producer: Producer::new(&stream, KEYS), stream, fleet })
    }

    /// A new stream, whose readers keep their leases in the store at `url`.
    pub(crate) async fn in_store(
        name: &str,
        shards: i32,
        url: &str,
        store: impl LeaseStore,
    ) -> Result<Self> {
        let servers = Servers::InProcess;
        let stream = TestStream::create(servers.kinesis(), name, shards).await?;
        let mut launch = Launch::new(KCL, name, servers.kinesis(), servers.dynamodb());
        launch.other_store = Some(url.to_owned());
        let fleet = Fleet::watched_in(launch, Arc::new(store))?;
        Ok(Self { producer: Producer::new(&stream, KEYS), stream, fleet })
    }

    /// Waits until everything that was put is delivered.
    pub(crate) async fn until_delivered(&self) -> Result<()> {
        self.fleet.until_delivered(self.producer.produced.len()).await
    }

    /// Judges what was written so far.
    pub(crate) async fn judge(&self) -> Result<Verdict> {
        let shards = self.stream.shards().await?;
        Ok(oracle::judge(&self.fleet.caught_up(), &self.producer.produced, &shards))
    }

    /// Splits the first `count` open shards.
    pub(crate) async fn split(&self, count: usize) -> Result<()> {
        let shards = self.stream.shards().await?;
        for shard in shards.iter().filter(|shard| !shard.closed).take(count) {
            self.stream.split(shard).await?;
        }
        Ok(())
    }

    /// Fails unless each checkpoint is at its shard's last record, or at its end: so it is when
    /// everybody has left after everything was delivered.
    pub(crate) async fn check_checkpoints(&self) -> Result<()> {
        let shards = self.stream.shards().await?;
        let leases = self.fleet.leases().await;
        for Shard { id, closed, .. } in shards {
            let mut produced = self.producer.produced.iter();
            let last = produced.rfind(|record| *record.shard == *id.as_str());
            let lease = leases.iter().find(|lease| lease.key.shard().as_ref() == Some(&id));
            let lease = lease.with_context(|| format!("{id} has no lease"))?;
            let is_right = match (&lease.checkpoint, last) {
                (Checkpoint::ShardEnd, _) => closed,
                (Checkpoint::After(position), Some(last)) => {
                    position.sequence.as_str() == last.sequence
                }
                (_, last) => last.is_none(),
            };
            ensure!(is_right, "{id}: {} is stored, the last is {last:?}", lease.checkpoint);
            ensure!(lease.owner.is_none(), "{id} still has an owner: {:?}", lease.owner);
        }
        Ok(())
    }
}

/// A `kcl` command about the application that is launched so.
pub(crate) fn command(launch: &Launch, words: &[&str]) -> Command {
    let mut command = Launch::command(KCL.as_ref());
    command.args(words).args(["--region", "us-east-1"]);
    command.args(["--app", &launch.application, "--store", &launch.store()]);
    command.args(["--kinesis-endpoint", &launch.kinesis]);
    command.args(["--dynamodb-endpoint", &launch.dynamodb]);
    command
}

/// Waits until a process has ended.
pub(crate) async fn ended(process: &mut Process) -> Result<ExitStatus> {
    for _ in 0..1_500 {
        if let Some(status) = process.ended()? {
            return Ok(status);
        }
        pause(20).await;
    }
    anyhow::bail!("a process does not end")
}

/// Runs a command that ends by itself, and returns what it wrote.
pub(crate) async fn run(mut command: Command) -> Result<Output> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = Process::spawn(&mut command)?;
    ended(&mut process).await.with_context(|| format!("{command:?}"))?;
    Ok(process.into_output()?)
}

/// Lets so much time pass for the processes.
#[expect(clippy::disallowed_methods, reason = "processes keep to the machine's clock")]
pub(crate) async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// Each test runs on each pair of servers.
macro_rules! on_each_pair {
    ($($test:ident),* $(,)?) => {
        mod in_process {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() -> anyhow::Result<()> {
                super::$test(crate::fleet::stage::Servers::InProcess).await
            })*
        }

        mod node {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() -> anyhow::Result<()> {
                super::$test(crate::fleet::stage::Servers::Node).await
            })*
        }
    };
}
pub(crate) use on_each_pair;
