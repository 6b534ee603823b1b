//! The course of a change-over.

use std::{
    process::{Command, Output},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use kcl_core::stream::Shard;
use kcl_tests::{
    fleet::{Fleet, History, Launch, Process, Producer, Signal, wall_millis},
    kinesis::TestStream,
    servers::{KinesisLocal, RedisMake, RedisServer},
};

use super::{
    Size,
    count::{Outcome, Times, judge},
    old::{self, Database, Old},
};

const KCL: &str = env!("CARGO_BIN_EXE_kcl-under-test");

/// The name of the application, and of the old fleet's table.
const APPLICATION: &str = "order-indexer";
const STREAM: &str = "orders";

/// Each of the old fleet's workers renews its leases within this.
const FAILOVER: &str = "3s";

/// How long anything may take that has to come: the Java KCL 3 waits up to a minute at its start.
const PATIENCE: f64 = 240_000.0;

const BEFORE: [&str; 2] = ["old-1", "old-2"];
const OURS: [&str; 2] = ["new-1", "new-2"];
const AFTER: [&str; 2] = ["old-3", "old-4"];

/// Servers, a stream, and whoever reads it.
pub(crate) struct Course<'a> {
    old: &'a Old,
    kinesis: KinesisLocal,
    database: Database,
    leases: RedisServer,
    stream: TestStream,
    fleet: Fleet,
}

impl<'a> Course<'a> {
    /// Plays it from the old fleet's start until it has read everything at the end.
    pub(crate) async fn play(old: &'a Old, size: Size) -> Result<Outcome> {
        let (kinesis, database) = (KinesisLocal::start()?, old.database()?);
        let leases = RedisServer::start(RedisMake::Redis)?;
        let stream = TestStream::create(kinesis.url(), STREAM, size.shards).await?;
        let mut launch = Launch::new(KCL, STREAM, kinesis.url(), &database.url());
        launch.application = APPLICATION.to_owned();
        launch.other_store = Some(leases.url());
        launch.log = "warn,kcl_core=debug".to_owned();
        let fleet = Fleet::new(launch)?;
        let mut course = Course { old, kinesis, database, leases, stream, fleet };
        let outcome = course.all(size).await;
        let logs = old::built()?.join("logs").join(old.name);
        std::fs::create_dir_all(&logs)?;
        course.fleet.keep_logs(&logs)?;
        outcome
    }

    async fn all(&mut self, size: Size) -> Result<Outcome> {
        let producer = Producer::new(&self.stream, usize::try_from(size.shards)? * 20);
        self.start_old(&BEFORE).await?;
        // Ten times a second.
        let load = producer.go_on(size.rate.div_ceil(10), Duration::from_millis(100));
        self.every_shard_read("the old fleet reads", &BEFORE, 0.0).await?;
        let shards = self.stream.shards().await?;
        self.stream.split(&shards[0]).await?;
        self.stream.merge(&shards[2].id, &shards[3].id).await?;
        self.every_shard_read("the old fleet reads the children", &BEFORE, 0.0).await?;

        let mut times = Times::default();
        self.over(&mut times).await?;
        let open = self.open().await?;
        self.stream.split(open.last().context("no shard")?).await?;
        self.every_shard_read("ours read the children", &OURS, 0.0).await?;
        self.back(&mut times).await?;

        let producer = load.stop().await?;
        let put = producer.produced.len();
        self.wait("everything to be read", |history| history.distinct() >= put).await?;
        let history = self.fleet.caught_up().clone();
        Ok(judge(&history, &producer.produced, times))
    }

    /// From the old fleet to ours.
    async fn over(&mut self, times: &mut Times) -> Result<()> {
        self.kcl(&["import", "--prepare"]).context("prepare")?;
        self.fleet.start_all(&OURS)?;
        let told = wall_millis();
        for worker in BEFORE {
            self.fleet.signal(worker, Signal::TERM)?;
        }
        for worker in BEFORE {
            self.ended(worker).await?;
        }
        times.old_stopped = wall_millis() - told;
        let fence = wall_millis();
        self.kcl(&["import", "--finish", "--fence", "at-zero"]).context("finish")?;
        times.finish = wall_millis() - fence;
        (times.first, times.every) = self.every_shard_read("ours read", &OURS, fence).await?;
        Ok(())
    }

    /// From ours to the old fleet.
    async fn back(&mut self, times: &mut Times) -> Result<()> {
        let told = wall_millis();
        for worker in OURS {
            self.fleet.leave(worker).await?;
        }
        times.ours_stopped = wall_millis() - told;
        let begun = wall_millis();
        self.kcl(&["export"]).context("export")?;
        times.export = wall_millis() - begun;
        self.start_old(&AFTER).await?;
        let read = self.every_shard_read("the old fleet reads on", &AFTER, begun).await?;
        (times.back_first, times.back_every) = read;
        Ok(())
    }

    /// Runs a command of kcl that reads or writes the old table.
    fn kcl(&self, arguments: &[&str]) -> Result<Output> {
        let table = format!("{}:{APPLICATION}", self.old.place);
        let mut command = Launch::command(KCL.as_ref());
        command.args(arguments).args(["--app", APPLICATION, "--store", &self.leases.url()]);
        command.args(["--stream", STREAM, "--region", "us-east-1", "--yes"]);
        command.args(["--kinesis-endpoint", self.kinesis.url()]);
        command.args(["--dynamodb-endpoint", &self.database.url()]);
        match arguments[0] {
            "import" => command.args(["--from", &table, "--failover", FAILOVER]),
            _ => command.args(["--to", &table]),
        };
        let output = command.output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "{}\n{}\n{said}",
            output.status,
            String::from_utf8_lossy(&output.stdout)
        );
        eprintln!("  kcl {}: {}", arguments.join(" "), said.trim());
        Ok(output)
    }

    async fn start_old(&mut self, workers: &[&str]) -> Result<()> {
        for &worker in workers {
            let command = self.old_worker(worker)?;
            self.fleet.start_command(worker, command)?;
            // Workers of the Java KCL 3 that start at the same time on no table are in one
            // another's way.
            pause(1_500).await;
        }
        Ok(())
    }

    fn old_worker(&self, name: &str) -> Result<Command> {
        let mut command = self.old.worker()?;
        command
            .env("KINESIS", self.kinesis.url())
            .env("DYNAMODB", self.database.url())
            .env("STREAM", STREAM)
            .env("APP", APPLICATION)
            .env("WORKER", name)
            .env("FAILOVER", "3000");
        Ok(command)
    }

    /// Waits until these workers have read a record of every open shard since then. Returns how
    /// long that took for the first and for the last of the shards.
    async fn every_shard_read(
        &mut self,
        what: &str,
        workers: &[&str],
        since: f64,
    ) -> Result<(f64, f64)> {
        let open = self.open().await?;
        let firsts = |history: &History| -> Vec<f64> {
            let first = |shard: &Shard| {
                let mut of_shard = history.deliveries.iter().filter(|record| {
                    *record.shard == *shard.id.as_str()
                        && workers.contains(&&*record.worker)
                        && record.seen >= since
                });
                of_shard.next().map(|record| record.seen - since)
            };
            open.iter().filter_map(first).collect()
        };
        self.wait(what, |history| firsts(history).len() == open.len()).await?;
        let firsts = firsts(&self.fleet.history());
        let first = firsts.iter().copied().fold(f64::INFINITY, f64::min);
        Ok((first, firsts.iter().copied().fold(0.0, f64::max)))
    }

    /// The shards that no other continues.
    async fn open(&self) -> Result<Vec<Shard>> {
        let shards = self.stream.shards().await?;
        let continued = |id| shards.iter().any(|shard| shard.parents.contains(id));
        Ok(shards.iter().filter(|shard| !continued(&shard.id)).cloned().collect())
    }

    async fn wait(&mut self, what: &str, wanted: impl Fn(&History) -> bool) -> Result<()> {
        let begun = wall_millis();
        while wall_millis() < begun + PATIENCE {
            if wanted(&self.fleet.history()) {
                eprintln!("  {what}: after {:.1} s", (wall_millis() - begun) / 1e3);
                return Ok(());
            }
            pause(50).await;
        }
        let history = self.fleet.caught_up();
        let logs = [BEFORE, OURS, AFTER].concat();
        let logs: Vec<String> = logs.iter().map(|worker| tail(&history.log_of(worker))).collect();
        anyhow::bail!("not within four minutes: {what}\n{}", logs.join("\n---\n"))
    }

    /// Waits until a process has ended, however it does; kills it after half a minute.
    async fn ended(&mut self, worker: &str) -> Result<()> {
        let begun = wall_millis();
        while Process::ended(self.fleet.process(worker)?)?.is_none() {
            if wall_millis() > begun + 30_000.0 {
                eprintln!("  {worker} does not end: killed");
                self.fleet.signal(worker, Signal::KILL)?;
            }
            pause(20).await;
        }
        Ok(())
    }
}

fn tail(log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

#[expect(clippy::disallowed_methods, reason = "processes keep to the machine's clock")]
async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
