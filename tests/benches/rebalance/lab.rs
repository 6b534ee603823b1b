//! Servers that are shared by all runs, and fleets on them.

use std::{process::Command, time::Duration};

use anyhow::Result;
use kcl_tests::{
    fleet::{Fleet, Launch, Producer},
    kinesis::TestStream,
    servers::{Bill, Ferrokinesis},
};

use crate::{
    leases::{LeaseServer, StoreKind},
    profile::Profile,
};

/// Enough for each of thirty shards to have some.
const KEYS: usize = 400;

/// Servers that are shared by all runs.
pub(crate) struct Lab {
    kinesis: Ferrokinesis,
    leases: LeaseServer,
}

/// One stream, its producer, and the fleet that reads it.
pub(crate) struct Setup {
    pub(crate) stream: TestStream,
    pub(crate) producer: Producer,
    pub(crate) fleet: Fleet,
}

impl Lab {
    pub(crate) async fn open(store: StoreKind) -> Result<Self> {
        Ok(Self { kinesis: Ferrokinesis::start()?, leases: LeaseServer::start(store).await? })
    }

    /// A new stream, and nobody who reads it; the table is there.
    pub(crate) async fn setup(&self, profile: Profile, name: &str, shards: i32) -> Result<Setup> {
        self.setup_in(profile, name, shards, false).await
    }

    /// The same, with a table of its own that nobody has made yet.
    pub(crate) async fn setup_bare(
        &self,
        profile: Profile,
        name: &str,
        shards: i32,
    ) -> Result<Setup> {
        self.setup_in(profile, name, shards, true).await
    }

    async fn setup_in(
        &self,
        profile: Profile,
        name: &str,
        shards: i32,
        bare: bool,
    ) -> Result<Setup> {
        let stream = TestStream::create(self.kinesis.url(), name, shards).await?;
        let binary = env!("CARGO_BIN_EXE_kcl-under-test");
        let launch = Launch::new(binary, name, self.kinesis.url(), "http://127.0.0.1:1");
        let fleet = self.leases.fleet(profile.apply_to(launch), bare)?;
        Ok(Setup { producer: Producer::new(&stream, KEYS), stream, fleet })
    }

    /// What the lease store was asked in so many seconds from now on.
    pub(crate) async fn bill(&self, seconds: u64) -> Result<Bill> {
        let counted = self.leases.counted()?;
        drop(counted.take());
        pause(Duration::from_secs(seconds)).await;
        Ok(counted.take())
    }
}

impl Setup {
    /// The README's example as a member of this fleet.
    pub(crate) fn application(&self, worker: &str) -> Command {
        let launch = &self.fleet.launch;
        let mut command = Launch::command(env!("CARGO_BIN_EXE_worker-under-test").as_ref());
        command
            .args([&launch.stream, &launch.application])
            .env("POD_NAME", worker)
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ENDPOINT_URL_KINESIS", &launch.kinesis)
            .env("AWS_ENDPOINT_URL_DYNAMODB", &launch.dynamodb);
        command
    }
}

/// Lets time pass for the processes.
#[expect(clippy::disallowed_methods, reason = "processes keep to the machine's clock")]
pub(crate) async fn pause(span: Duration) {
    tokio::time::sleep(span).await;
}
