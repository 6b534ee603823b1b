//! The Redis store against the suite: on Redis, on Valkey, on a cluster, behind a bad network.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use kcl_core::{
    conformance::{Capabilities, Failed, StoreFactory, Suite},
    store::{LeaseStore, StoreError, StoreErrorKind, StoreResult},
};
use kcl_memory::faults::Mishaps;
use kcl_redis::{InvalidSettings, RedisStore};
use kcl_tests::{
    conformance::{BadNetwork, conforms},
    servers::{RedisCluster, RedisMake, RedisServer},
};

struct Redis {
    server: &'static str,
    url: String,
}

#[async_trait]
impl StoreFactory for Redis {
    fn name(&self) -> String {
        self.server.to_owned()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default().pushing()
    }

    async fn open(&self, application: &str) -> StoreResult<Arc<dyn LeaseStore>> {
        // The machine that runs the tests may be slow; no case is about time.
        let store = RedisStore::builder(application)
            .url(&self.url)
            .operation_timeout(Duration::from_secs(20))
            .build()
            .map_err(|bad: InvalidSettings| {
                StoreError::new(StoreErrorKind::Misconfigured, "build", &self.url).caused_by(bad)
            })?;
        Ok(Arc::new(store))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_conforms_on_redis_7() -> Result<(), Failed> {
    let server = RedisServer::start(RedisMake::Redis).unwrap();
    conforms(Suite::new(Redis { server: "redis 7", url: server.url() })).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_conforms_on_valkey_9() -> Result<(), Failed> {
    let server = RedisServer::start(RedisMake::Valkey).unwrap();
    conforms(Suite::new(Redis { server: "valkey 9", url: server.url() }).seed(2)).await
}

/// Each case is an application of its own, on whichever node its name falls.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_conforms_on_a_cluster() -> Result<(), Failed> {
    let cluster = RedisCluster::start(RedisMake::Redis).await.unwrap();
    let url = cluster.nodes()[0].url();
    conforms(Suite::new(Redis { server: "redis 7 cluster", url }).seed(3)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_conforms_on_a_cluster_of_valkey() -> Result<(), Failed> {
    let cluster = RedisCluster::start(RedisMake::Valkey).await.unwrap();
    let url = cluster.nodes()[1].url();
    conforms(Suite::new(Redis { server: "valkey 9 cluster", url }).seed(4)).await
}

/// Every claim waits for a replica.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_conforms_with_a_replica() -> Result<(), Failed> {
    let primary = RedisServer::start(RedisMake::Redis).unwrap();
    let replica = RedisServer::start(RedisMake::Redis).unwrap();
    replica.follow(&primary).await.unwrap();
    conforms(Suite::new(Redis { server: "redis 7 with a replica", url: primary.url() }).seed(5))
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_stay_right_when_replies_are_lost_and_writes_land_late_or_twice()
-> Result<(), Failed> {
    let server = RedisServer::start(RedisMake::Redis).unwrap();
    let quick = Mishaps {
        latency: Duration::from_millis(2),
        lateness: Duration::from_millis(30),
        ..Mishaps::BAD_DAY
    };
    let redis = Redis { server: "redis 7", url: server.url() };
    conforms(Suite::new(BadNetwork::before(redis, quick, 1))).await
}
