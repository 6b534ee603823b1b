//! Two streams, one application, and a fleet for each.

use std::{collections::BTreeMap, sync::LazyLock, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use kcl_tests::{
    fleet::{Fleet, Launch, Producer, Signal, oracle},
    kinesis::TestStream,
    servers::{Dynoxide, Ferrokinesis, Postgres, RedisMake, RedisServer},
};

/// The `kcl` command.
const KCL: &str = env!("CARGO_BIN_EXE_kcl-under-test");

/// A store that processes share.
pub(crate) enum Home {
    DynamoDb,
    Postgres(Postgres),
    Redis(RedisServer),
}

impl Home {
    pub(crate) fn postgres() -> Result<Self> {
        Ok(Self::Postgres(Postgres::start()?))
    }

    pub(crate) fn redis() -> Result<Self> {
        Ok(Self::Redis(RedisServer::start(RedisMake::Redis)?))
    }

    /// The address that the command is told; none for its own default.
    fn address(&self) -> Option<String> {
        match self {
            Self::DynamoDb => None,
            Self::Postgres(server) => Some(server.url()),
            Self::Redis(server) => Some(server.url()),
        }
    }
}

/// One of the two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Which {
    A,
    B,
}

/// A stream with its producer, and those that were started to read it.
struct Side {
    stream: TestStream,
    producer: Producer,
    fleet: Fleet,
    workers: Vec<String>,
}

/// Two streams, one application, and a fleet for each.
pub(crate) struct Fleets {
    sides: BTreeMap<Which, Side>,
    application: String,
}

impl Fleets {
    pub(crate) async fn new(home: &Home, application: &str) -> Result<Self> {
        static KINESIS: LazyLock<Ferrokinesis> = LazyLock::new(|| Ferrokinesis::start().unwrap());
        static DYNAMODB: LazyLock<Dynoxide> = LazyLock::new(|| Dynoxide::start().unwrap());
        let kind = match home {
            Home::DynamoDb => "dynamodb",
            Home::Postgres(_) => "postgres",
            Home::Redis(_) => "redis",
        };
        let mut sides = BTreeMap::new();
        for which in [Which::A, Which::B] {
            let name = format!("{application}-{kind}-{which:?}").to_lowercase();
            let stream = TestStream::create(KINESIS.url(), &name, 4).await?;
            let mut launch = Launch::new(KCL, &name, KINESIS.url(), DYNAMODB.url());
            launch.application = application.to_owned();
            launch.other_store = home.address();
            let producer = Producer::new(&stream, 10);
            let side = Side { stream, producer, fleet: Fleet::new(launch)?, workers: Vec::new() };
            sides.insert(which, side);
        }
        Ok(Self { sides, application: application.to_owned() })
    }

    fn side(&self, which: Which) -> &Side {
        &self.sides[&which]
    }

    fn side_mut(&mut self, which: Which) -> &mut Side {
        self.sides.get_mut(&which).unwrap()
    }

    pub(crate) async fn put(&mut self, which: Which, records: usize) -> Result<()> {
        self.side_mut(which).producer.put(records).await
    }

    pub(crate) fn start(&mut self, which: Which, worker: &str) -> Result<()> {
        let side = self.side_mut(which);
        side.workers.push(worker.to_owned());
        side.fleet.start(worker)
    }

    pub(crate) fn signal(&mut self, which: Which, worker: &str, signal: Signal) -> Result<()> {
        self.side_mut(which).fleet.signal(worker, signal).map(drop)
    }

    pub(crate) async fn leave(&mut self, which: Which, worker: &str) -> Result<()> {
        self.side_mut(which).fleet.leave(worker).await
    }

    /// The stream whose one worker is the first to end, and the other stream.
    pub(crate) async fn first_to_end(&mut self) -> Result<(Which, Which)> {
        for _ in 0..6_000 {
            for (which, other) in [(Which::A, Which::B), (Which::B, Which::A)] {
                let side = self.side_mut(which);
                let worker = side.workers.last().context("nobody was started")?.clone();
                if side.fleet.process(&worker)?.ended()?.is_some() {
                    return Ok((which, other));
                }
            }
            pause(10).await;
        }
        bail!("both streams are read, or wanted, for a minute")
    }

    /// The last worker of `refused` ends with an error that names both streams, the application's
    /// store, and what to do.
    pub(crate) async fn check_refused(&mut self, refused: Which, read: Which) -> Result<()> {
        let names = [refused, read].map(|which| self.side(which).fleet.launch.stream.clone());
        let side = self.side_mut(refused);
        let worker = side.workers.last().context("nobody was started")?.clone();
        let status = side.fleet.gone(&worker).await?;
        let log = side.fleet.caught_up().log_of(&worker);
        ensure!(!status.success(), "{worker} ended without an error:\n{log}");
        for said in [&*names[0], &*names[1], "application name of its own", "stop all workers"] {
            ensure!(log.contains(said), "{said:?} is not said:\n{log}");
        }
        Ok(())
    }

    /// Waits until every record of the stream has come out.
    pub(crate) async fn until_read(&self, which: Which) -> Result<()> {
        let side = self.side(which);
        side.fleet.until_delivered(side.producer.produced.len()).await
    }

    pub(crate) fn nothing_read(&self, which: Which) -> bool {
        self.side(which).fleet.caught_up().deliveries.is_empty()
    }

    /// Whether a worker of the stream logged this event.
    pub(crate) fn said(&self, which: Which, event: &str) -> bool {
        self.side(which).fleet.caught_up().events(event).next().is_some()
    }

    /// Fails unless each record of the stream came out, in order, and none twice.
    pub(crate) async fn check_repeats(&self, which: Which) -> Result<()> {
        let side = self.side(which);
        let shards = side.stream.shards().await?;
        let verdict = oracle::judge(&side.fleet.caught_up(), &side.producer.produced, &shards);
        verdict.check_repeats_of(&[]).with_context(|| self.application.clone())
    }
}

/// Lets so much time pass for the processes.
#[expect(clippy::disallowed_methods, reason = "processes keep to the machine's clock")]
async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// Each test runs on each store that processes can share.
macro_rules! on_each_store {
    ($($test:ident),* $(,)?) => {
        mod dynamodb {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() -> anyhow::Result<()> {
                super::$test(crate::two_streams::stage::Home::DynamoDb).await
            })*
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() -> anyhow::Result<()> {
                super::$test(crate::two_streams::stage::Home::postgres()?).await
            })*
        }

        mod redis {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() -> anyhow::Result<()> {
                super::$test(crate::two_streams::stage::Home::redis()?).await
            })*
        }
    };
}
pub(crate) use on_each_store;
