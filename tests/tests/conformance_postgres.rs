//! The PostgreSQL store against the suite, on two releases of the server.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use kcl_core::{
    conformance::{Capabilities, Failed, StoreFactory, Suite},
    store::{LeaseStore, StoreError, StoreErrorKind, StoreResult},
};
use kcl_memory::faults::Mishaps;
use kcl_postgres::{InvalidSettings, PostgresStore};
use kcl_tests::{
    conformance::{BadNetwork, conforms},
    servers::{Postgres, PostgresRelease},
};

struct Factory {
    server: &'static str,
    url: String,
}

impl Factory {
    fn client(&self, application: &str, schema: &str) -> StoreResult<Arc<dyn LeaseStore>> {
        let store = PostgresStore::builder(application)
            .url(&self.url)
            .schema(schema)
            // Races of 32 tasks on a loaded machine are no reason to give up.
            .statement_timeout(Duration::from_secs(5))
            .build()
            .map_err(|bad: InvalidSettings| {
                StoreError::new(StoreErrorKind::Misconfigured, "build", schema).caused_by(bad)
            })?;
        Ok(Arc::new(store))
    }
}

#[async_trait]
impl StoreFactory for Factory {
    fn name(&self) -> String {
        format!("postgres ({})", self.server)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default().pushing()
    }

    async fn open(&self, application: &str) -> StoreResult<Arc<dyn LeaseStore>> {
        self.client(application, "conformance")
    }

    async fn open_apart(&self, application: &str) -> StoreResult<Arc<dyn LeaseStore>> {
        self.client(application, application)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_conforms_on_the_packaged_release() -> Result<(), Failed> {
    let server = Postgres::start().unwrap();
    conforms(Suite::new(Factory { server: "packaged", url: server.url() })).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_conforms_on_postgres_18() -> Result<(), Failed> {
    let server = Postgres::start_release(PostgresRelease::Newest).unwrap();
    conforms(Suite::new(Factory { server: "18", url: server.url() }).seed(2)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_stay_right_when_replies_are_lost_and_writes_land_late_or_twice()
-> Result<(), Failed> {
    let server = Postgres::start().unwrap();
    let quick = Mishaps {
        latency: Duration::from_millis(2),
        lateness: Duration::from_millis(30),
        ..Mishaps::BAD_DAY
    };
    let factory = Factory { server: "packaged", url: server.url() };
    conforms(Suite::new(BadNetwork::before(factory, quick, 1))).await
}
