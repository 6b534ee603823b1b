//! A server that went back in time: a replica is promoted that lacks the last writes, or everything
//! is gone.

use std::collections::BTreeMap;

use kcl_core::{env::Env, lease::Lease};
use kcl_tests::servers::{Link, RedisMake, RedisServer};

use super::bench::{Bench, Running, hold, sleep, wait_for};

/// Waits until three workers share four leases.
async fn share(workers: [&Running; 3]) {
    wait_for("three shares of four", async || {
        let counts = workers.map(Running::leases);
        counts.iter().sum::<usize>() == 4 && counts.iter().all(|count| (1..=2).contains(count))
    })
    .await;
}

/// Waits until every row has an owner, an epoch above the one it had, and a checkpoint at the last
/// record.
async fn written_forward(bench: &Bench, before: &BTreeMap<String, Lease>) {
    wait_for("rows written forward under new epochs", async || {
        let rows = bench.rows().await;
        let forward = |(key, row): (&String, &Lease)| {
            row.owner.is_some() && row.epoch > before[key].epoch && bench.covers(row)
        };
        rows.len() == before.len() && rows.iter().all(forward)
    })
    .await;
}

/// After the split, the replica misses checkpoints, a worker's session, and changes of owners.
async fn a_lossy_failover_is_repaired(make: RedisMake) {
    let mut primary = RedisServer::start(make).unwrap();
    let mut replica = RedisServer::start(make).unwrap();
    replica.follow(&primary).await.unwrap();
    let bench = Bench::new("orders", primary.url(), 4);
    let (a, b) = (bench.start("a"), bench.start("b"));
    hold(&[(&a, 2), (&b, 2)]).await;
    bench.put(0, 200);
    bench.checkpointed(200).await;

    replica.catch_up(&primary).await.unwrap();
    replica.tell(&["REPLICAOF", "NO", "ONE"]).await.unwrap();
    let split = bench.rows().await;
    bench.put(200, 200);
    bench.checkpointed(400).await;
    let c = bench.start("c");
    share([&a, &b, &c]).await;
    bench.put(400, 100);
    bench.checkpointed(500).await;
    let before = bench.rows().await;
    let address = primary.port();
    primary.kill();
    replica.move_to(address).await.unwrap();

    // Nothing new arrives: what the rows say now was written by those who knew it.
    written_forward(&bench, &before).await;
    bench.put(500, 100);
    bench.checkpointed(600).await;
    share([&a, &b, &c]).await;
    assert_eq!(bench.processed(), 600);
    // A shard whose change of owner was lost goes back to the owner that the replica knew, who
    // cannot know how far the lost one got. The others go on where they were.
    let stayed: Vec<&Lease> =
        split.values().filter(|row| row.owner == before[row.key.as_str()].owner).collect();
    assert_eq!(bench.repeated_in(&stayed), Vec::<usize>::new());
    for worker in [a, b, c] {
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_promoted_redis_replica_lost_is_written_forward_under_epochs_never_used() {
    a_lossy_failover_is_repaired(RedisMake::Redis).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_promoted_valkey_replica_lost_is_written_forward_under_epochs_never_used() {
    a_lossy_failover_is_repaired(RedisMake::Valkey).await;
}

/// The old primary stays up as a replica and answers on, while its address leads to the new one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_leaves_an_old_primary_that_became_a_replica() {
    let old = RedisServer::start(RedisMake::Redis).unwrap();
    let new = RedisServer::start(RedisMake::Redis).unwrap();
    new.follow(&old).await.unwrap();
    let link = Link::to(old.port()).unwrap();
    let bench = Bench::new("orders", format!("redis://127.0.0.1:{}", link.port()), 4);
    let (a, b) = (bench.start("a"), bench.start("b"));
    hold(&[(&a, 2), (&b, 2)]).await;
    bench.put(0, 40);
    bench.checkpointed(40).await;

    new.tell(&["REPLICAOF", "NO", "ONE"]).await.unwrap();
    old.follow(&new).await.unwrap();
    // For longer than a session the address leads to the old one, which only reads.
    sleep(6_000).await;
    assert!(!a.handle.status().valid && !b.handle.status().valid, "nobody dispatches blindly");
    wait_for("no connection to a replica", async || clients(&old).await == 0).await;
    link.lead(new.port());
    let switched = Env::system().clock.now();
    wait_for("a beat", async || a.handle.status().valid && b.handle.status().valid).await;
    eprintln!("valid again {:?} after the switch", Env::system().clock.now().since(switched));
    bench.put(40, 80);
    bench.checkpointed(120).await;
    assert_eq!((bench.processed(), bench.repeated()), (120, vec![]));
    wait_for("no connection to a replica", async || clients(&old).await == 0).await;
    for worker in [a, b] {
        worker.stop().await;
    }
}

/// How many connections a server has beside replication and the one that asks.
async fn clients(server: &RedisServer) -> usize {
    let mut count = 0;
    for kind in ["normal", "pubsub"] {
        let list = server.tell(&["CLIENT", "LIST", "TYPE", kind]).await.unwrap();
        let list: String = redis::from_redis_value(list).unwrap();
        count += list.lines().filter(|line| !line.trim().is_empty()).count();
    }
    count - 1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_starts_over_on_a_server_that_forgot_everything_and_skips_nothing() {
    let mut server = RedisServer::start(RedisMake::Redis).unwrap();
    let bench = Bench::new("orders", server.url(), 4);
    let (a, b) = (bench.start("a"), bench.start("b"));
    hold(&[(&a, 2), (&b, 2)]).await;
    bench.put(0, 300);
    bench.checkpointed(300).await;
    let before = bench.rows().await;
    server.kill();
    server.launch().unwrap();
    written_forward(&bench, &before).await;
    bench.put(300, 100);
    bench.checkpointed(400).await;
    assert_eq!(bench.processed(), 400);
    for worker in [a, b] {
        worker.stop().await;
    }
}
