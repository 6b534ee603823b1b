//! The Redis store on a cluster that changes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

use std::time::Duration;

use kcl_core::{
    lease::{
        Acquire, Beat, Checkpoint, Epoch, Incarnation, Lease, LeaseKey, Report, Session, SessionId,
    },
    store::{LeaseStore, LeaseStoreExt, StoreError, StoreErrorKind},
};
use kcl_redis::RedisStore;
use kcl_tests::servers::{RedisCluster, RedisMake, RedisServer};

fn cause(error: &StoreError) -> String {
    error.source.as_ref().unwrap().to_string()
}

fn lease() -> Lease {
    Lease::new(LeaseKey::planner(), Checkpoint::TrimHorizon)
}

fn id() -> SessionId {
    SessionId::new("pod-7".parse().unwrap(), Incarnation::from_bits(1))
}

async fn text(node: &RedisServer, command: &[&str]) -> String {
    redis::from_redis_value(node.tell(command).await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_node_of_a_cluster_that_is_gone_is_replaced_by_one_that_was_learned() {
    let mut cluster = RedisCluster::start(RedisMake::Redis).await.unwrap();
    // A name for each node, so that the first node keeps some and not all.
    let url = cluster.nodes()[0].url();
    let stores: Vec<_> =
        (0..12).map(|n| RedisStore::new(&format!("orders-{n}"), &url).unwrap()).collect();
    for store in &stores {
        store.prepare().await.unwrap();
        assert!(store.create(lease()).await.unwrap().is_done());
    }
    // Every connection is cut; the only address that was given answers no more.
    for node in cluster.nodes() {
        node.tell(&["CONFIG", "SET", "cluster-require-full-coverage", "no"]).await.unwrap();
        node.tell(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await.unwrap();
    }
    cluster.kill(0);
    let mut served = 0;
    for store in &stores {
        match store.lease(&LeaseKey::planner()).await {
            Ok(row) => served += usize::from(row.is_some()),
            Err(gone) => assert_eq!(gone.kind, StoreErrorKind::Unavailable, "{}", cause(&gone)),
        }
    }
    assert!((1..12).contains(&served), "{served} of 12 are kept by the nodes that live");
}

/// Which node of the cluster keeps the application, and another one.
async fn keeper<'a>(cluster: &'a RedisCluster, key: &str) -> (&'a RedisServer, &'a RedisServer) {
    let [a, b, c] = cluster.nodes() else { panic!("three nodes") };
    for (node, other) in [(a, b), (b, c), (c, a)] {
        if node.tell(&["EXISTS", key]).await.is_ok() {
            return (node, other);
        }
    }
    panic!("no node keeps {key}");
}

#[tokio::test]
async fn a_slot_that_moves_takes_its_application_along() {
    for make in [RedisMake::Redis, RedisMake::Valkey] {
        let cluster = RedisCluster::start(make).await.unwrap();
        let store = RedisStore::new("orders", &cluster.nodes()[0].url()).unwrap();
        store.prepare().await.unwrap();
        assert!(store.create(lease()).await.unwrap().is_done());
        let session = Session::new(id(), 1, Duration::from_secs(6), Duration::from_millis(1_500));
        let before = store.register(session).await.unwrap().stamp.generation;
        let mut wakeups = store.wakeups(&id()).await.unwrap().unwrap();
        store.wake(&id()).await.unwrap();
        wakeups.next().await.unwrap();

        let (from, to) = keeper(&cluster, "kcl:{orders}:layout").await;
        let slot: u64 = redis::from_redis_value(
            from.tell(&["CLUSTER", "KEYSLOT", "kcl:{orders}:layout"]).await.unwrap(),
        )
        .unwrap();
        let slot = slot.to_string();
        let (from_id, to_id) =
            (text(from, &["CLUSTER", "MYID"]).await, text(to, &["CLUSTER", "MYID"]).await);
        to.tell(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]).await.unwrap();
        from.tell(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]).await.unwrap();
        let keys = ["layout", "leases", "leases:names", "sessions", "sessions:names"];
        let keys = keys.map(|key| format!("kcl:{{orders}}:{key}"));
        let port = to.port().to_string();
        let migrate = ["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        from.tell(&[&migrate, keys.as_slice()].concat()).await.unwrap();
        // Neither here nor there: nothing is done, and it may be tried again.
        let moving = store.acquire(Acquire::new(&lease(), id(), Epoch(1))).await.unwrap_err();
        assert_eq!(moving.kind, StoreErrorKind::Unavailable, "{}", cause(&moving));
        for node in [to, from] {
            node.tell(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]).await.unwrap();
        }

        let taken = store.acquire(Acquire::new(&lease(), id(), Epoch(1))).await.unwrap();
        assert!(taken.is_done(), "{taken:?}");
        assert_eq!(store.all_leases().await.unwrap().len(), 1);
        // The channel was at the old node: it says so, and another one is opened.
        assert_eq!(wakeups.next().await.unwrap_err().kind, StoreErrorKind::Unavailable);
        let mut wakeups = store.wakeups(&id()).await.unwrap().unwrap();
        store.wake(&id()).await.unwrap();
        wakeups.next().await.unwrap();
        let beat = Beat::new(id(), 1, Report::NOTHING);
        let after = store.beat(beat).await.unwrap().stamp.generation;
        assert_ne!(after, before, "another node, another history");
    }
}

/// An operator's failover: the old primary stays up, and every connection to it.
#[tokio::test]
async fn a_replica_that_is_promoted_is_found_and_the_old_primary_is_left() {
    let mut cluster = RedisCluster::start(RedisMake::Redis).await.unwrap();
    let store = RedisStore::new("orders", &cluster.nodes()[0].url()).unwrap();
    store.prepare().await.unwrap();
    assert!(store.create(lease()).await.unwrap().is_done());
    let session = Session::new(id(), 1, Duration::from_secs(6), Duration::from_millis(1_500));
    assert!(store.register(session).await.unwrap().value.is_done());
    let port = keeper(&cluster, "kcl:{orders}:layout").await.0.port();
    let old = cluster.nodes().iter().position(|node| node.port() == port).unwrap();
    let new = cluster.follow(RedisMake::Redis, old).await.unwrap();
    let promoted = &cluster.nodes()[new];
    promoted.tell(&["CLUSTER", "FAILOVER"]).await.unwrap();
    while !promoted.info("replication").await.unwrap().contains("role:master") {
        tokio::task::yield_now().await;
    }

    // The answer of the old one names the new one: nothing fails.
    let taken = store.acquire(Acquire::new(&lease(), id(), Epoch(1))).await.unwrap();
    assert!(taken.is_done(), "{taken:?}");
    assert!(store.beat(Beat::new(id(), 1, Report::NOTHING)).await.unwrap().value.is_done());
    assert_eq!(store.all_leases().await.unwrap().len(), 1);
    // It was learned, too: the old one is not needed to find it.
    cluster.kill(old);
    let beat = Beat::new(id(), 2, Report::NOTHING);
    assert!(store.beat(beat).await.unwrap().value.is_done());
}
