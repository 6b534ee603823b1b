//! A server that does not answer for a while, and forgets nothing.

use kcl_core::lease::{Epoch, SessionId};
use kcl_tests::servers::{RedisMake, RedisServer};

use super::bench::{Bench, hold, sleep, wait_for};

/// Twice the session timeout.
const OUTAGE: u64 = 6_000;

async fn owners(bench: &Bench) -> Vec<(String, Option<SessionId>)> {
    bench.rows().await.into_iter().map(|(key, row)| (key, row.owner)).collect()
}

async fn epochs(bench: &Bench) -> Vec<Epoch> {
    bench.rows().await.values().map(|row| row.epoch).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_moves_when_the_server_stands_still_for_longer_than_a_session() {
    let server = RedisServer::start(RedisMake::Redis).unwrap();
    let bench = Bench::new("orders", server.url(), 4);
    let (a, b) = (bench.start("a"), bench.start("b"));
    hold(&[(&a, 2), (&b, 2)]).await;
    bench.put(0, 100);
    bench.checkpointed(100).await;
    let before = (owners(&bench).await, epochs(&bench).await);
    server.pause().unwrap();
    sleep(OUTAGE).await;
    bench.put(100, 100);
    assert!(!a.handle.status().valid && !b.handle.status().valid, "nobody dispatches blindly");
    assert_eq!(bench.processed(), 100);
    server.resume().unwrap();
    bench.checkpointed(200).await;
    sleep(OUTAGE).await;
    assert_eq!((owners(&bench).await, epochs(&bench).await), before);
    assert_eq!((bench.processed(), bench.repeated()), (200, vec![]));
    for worker in [a, b] {
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_moves_when_the_server_is_killed_and_comes_back_with_its_log() {
    let log = ["--appendonly", "yes", "--appendfsync", "always"];
    let mut server = RedisServer::with(RedisMake::Redis, &log).unwrap();
    let bench = Bench::new("orders", server.url(), 4);
    let (a, b) = (bench.start("a"), bench.start("b"));
    hold(&[(&a, 2), (&b, 2)]).await;
    bench.put(0, 100);
    bench.checkpointed(100).await;
    let before = owners(&bench).await;
    server.kill();
    sleep(OUTAGE).await;
    bench.put(100, 100);
    server.launch().unwrap();
    bench.checkpointed(200).await;
    sleep(OUTAGE).await;
    assert_eq!(owners(&bench).await, before);
    assert_eq!((bench.processed(), bench.repeated()), (200, vec![]));
    for worker in [a, b] {
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_starts_before_its_server_does() {
    let mut server = RedisServer::start(RedisMake::Redis).unwrap();
    server.kill();
    let bench = Bench::new("orders", server.url(), 2);
    bench.put(0, 50);
    let a = bench.start("a");
    sleep(1_000).await;
    server.launch().unwrap();
    wait_for("all fifty", async || bench.processed() == 50).await;
    a.stop().await;
}
