//! Servers that are shared by all runs, and fleets on them.

use std::time::Duration;

use anyhow::Result;
use kcl_core::store::LeaseStore;
use kcl_dynamo::DynamoStore;
use kcl_tests::{
    dynamo,
    fleet::{Fleet, Launch, Producer},
    kinesis::TestStream,
    servers::{Bill, Counted, Dynoxide, Ferrokinesis},
};

use crate::profile::Profile;

/// The lease table, which exists before anybody starts.
const TABLE: &str = "bench-leases";

/// Enough for each of thirty shards to have some.
const KEYS: usize = 400;

/// Servers that are shared by all runs.
pub(crate) struct Lab {
    kinesis: Ferrokinesis,
    counted: Counted,
    _dynamodb: Dynoxide,
}

/// One stream, its producer, and the fleet that reads it.
pub(crate) struct Setup {
    pub(crate) stream: TestStream,
    pub(crate) producer: Producer,
    pub(crate) fleet: Fleet,
}

impl Lab {
    pub(crate) async fn open() -> Result<Self> {
        let (kinesis, dynamodb) = (Ferrokinesis::start()?, Dynoxide::start()?);
        let counted = Counted::before(dynamodb.url())?;
        let store = DynamoStore::builder("bench").table(TABLE);
        store.client_config(dynamo::config(counted.url())).build()?.prepare().await?;
        Ok(Self { kinesis, counted, _dynamodb: dynamodb })
    }

    /// A new stream, and nobody who reads it; the table is there.
    pub(crate) async fn setup(&self, profile: Profile, name: &str, shards: i32) -> Result<Setup> {
        self.setup_in(profile, name, shards, Some(TABLE.to_owned())).await
    }

    /// The same, with a table of its own that nobody has made yet.
    pub(crate) async fn setup_bare(
        &self,
        profile: Profile,
        name: &str,
        shards: i32,
    ) -> Result<Setup> {
        self.setup_in(profile, name, shards, None).await
    }

    async fn setup_in(
        &self,
        profile: Profile,
        name: &str,
        shards: i32,
        table: Option<String>,
    ) -> Result<Setup> {
        let stream = TestStream::create(self.kinesis.url(), name, shards).await?;
        let binary = env!("CARGO_BIN_EXE_kcl-under-test");
        let mut launch = Launch::new(binary, name, self.kinesis.url(), self.counted.url());
        launch.table = table;
        let fleet = Fleet::new(profile.apply_to(launch))?;
        Ok(Setup { producer: Producer::new(&stream, KEYS), stream, fleet })
    }

    /// What the lease store was asked in so many seconds from now on.
    pub(crate) async fn bill(&self, seconds: u64) -> Bill {
        drop(self.counted.take());
        pause(Duration::from_secs(seconds)).await;
        self.counted.take()
    }
}

/// Lets time pass for the processes.
#[expect(clippy::disallowed_methods, reason = "processes keep to the machine's clock")]
pub(crate) async fn pause(span: Duration) {
    tokio::time::sleep(span).await;
}
