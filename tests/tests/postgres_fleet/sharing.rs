//! A fleet comes together, and outlives a crash of its server.

use kcl_core::{
    lease::Session,
    store::{Consistency, LeaseStoreExt},
};
use kcl_tests::{postgres::short_settings, servers::Postgres};

use super::bench::Bench;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_shares_its_shards_as_workers_come_go_and_die() {
    let server = Postgres::start().unwrap();
    let bench = Bench::new(server.port(), 6);
    let (a, b) = (bench.start("a"), bench.start("b"));
    bench.wait_for("two share", || (a.leases(), b.leases()) == (3, 3)).await;
    bench.put(0, 60);
    let c = bench.start("c");
    bench.wait_for("three share", || [&a, &b, &c].iter().all(|worker| worker.leases() == 2)).await;
    bench.put(60, 60);
    b.stop().await;
    bench.wait_for("two are left", || (a.leases(), c.leases()) == (3, 3)).await;
    // Its runtime goes on: the dropped future ends the session with one write.
    c.task.abort();
    bench.wait_for("one is left", || a.leases() == 6).await;
    bench.put(120, 60);
    bench.all_read(180).await;
    a.stop().await;
    let sessions = bench.store().all_sessions(Consistency::Strong).await.unwrap();
    assert!(sessions.iter().all(Session::has_ended), "{sessions:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_moves_when_the_server_crashes_and_nobody_died() {
    let mut server = Postgres::start().unwrap();
    let bench = Bench::new(server.port(), 4);
    let (a, b) = (bench.start("a"), bench.start("b"));
    bench.wait_for("two share", || (a.leases(), b.leases()) == (2, 2)).await;
    bench.put(0, 40);
    bench.all_read(40).await;
    let before = bench.holders().await;
    let timeout = short_settings().coordination.session_timeout;

    server.crash().unwrap();
    tokio::time::sleep(timeout * 2).await;
    assert!(!a.handle.status().valid && !b.handle.status().valid, "nothing is dispatched");
    server.go_on().unwrap();
    bench.wait_for("all live", || a.handle.status().valid && b.handle.status().valid).await;
    bench.put(40, 40);
    bench.all_read(80).await;
    tokio::time::sleep(timeout * 2).await;
    assert_eq!(bench.holders().await, before);
    for worker in [a, b] {
        worker.stop().await;
    }
}
