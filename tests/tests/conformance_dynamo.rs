//! The DynamoDB store against the suite, on two servers that differ in what they refuse.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use kcl_core::{
    conformance::{Failed, StoreFactory, Suite},
    store::{LeaseStore, StoreError, StoreErrorKind, StoreResult},
};
use kcl_dynamo::{DynamoStore, InvalidSettings};
use kcl_memory::faults::Mishaps;
use kcl_tests::{
    conformance::{BadNetwork, conforms},
    dynamo,
    servers::{Dynalite, Dynoxide},
};

struct Dynamo {
    server: &'static str,
    url: String,
}

impl Dynamo {
    fn dynoxide(server: &Dynoxide) -> Self {
        Self { server: "dynoxide", url: server.url().to_owned() }
    }

    fn client(&self, application: &str, table: &str) -> StoreResult<Arc<dyn LeaseStore>> {
        let store = DynamoStore::builder(application)
            .table(table)
            .client_config(dynamo::config(&self.url))
            .build()
            .map_err(|bad: InvalidSettings| {
                StoreError::new(StoreErrorKind::Misconfigured, "build", table).caused_by(bad)
            })?;
        Ok(Arc::new(store))
    }
}

#[async_trait]
impl StoreFactory for Dynamo {
    fn name(&self) -> String {
        format!("dynamodb ({})", self.server)
    }

    async fn open(&self, application: &str) -> StoreResult<Arc<dyn LeaseStore>> {
        self.client(application, "conformance")
    }

    async fn open_apart(&self, application: &str) -> StoreResult<Arc<dyn LeaseStore>> {
        self.client(application, application)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_conforms_on_dynoxide() -> Result<(), Failed> {
    let server = Dynoxide::start().unwrap();
    conforms(Suite::new(Dynamo::dynoxide(&server))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_stay_right_when_replies_are_lost_and_writes_land_late_or_twice()
-> Result<(), Failed> {
    let server = Dynoxide::start().unwrap();
    let quick = Mishaps {
        latency: Duration::from_millis(2),
        lateness: Duration::from_millis(30),
        ..Mishaps::BAD_DAY
    };
    conforms(Suite::new(BadNetwork::before(Dynamo::dynoxide(&server), quick, 1))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_conforms_on_dynalite() -> Result<(), Failed> {
    let server = Dynalite::start().unwrap();
    conforms(Suite::new(Dynamo { server: "dynalite", url: server.url().to_owned() }).seed(2)).await
}
