//! The server's role goes to another one while the address stays: connections to the old one, which
//! answers on, are left, and the fleet goes on at the new one.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use kcl_core::{
    lease::SessionId,
    store::{Consistency, LeaseStoreExt},
};
use kcl_tests::{
    postgres::{run, short_settings, superuser},
    servers::{Link, Postgres},
};

use super::bench::{Bench, Running};

pub(crate) const READ_ONLY: &str = "alter system set default_transaction_read_only = on";
const WRITABLE: &str = "alter system set default_transaction_read_only = off";
pub(crate) const RELOAD: &str = "select pg_reload_conf()";

/// How long after a switch the fleet may be without its store: a few heartbeats.
const SOON: Duration = Duration::from_secs(10);

pub(crate) async fn tell(server: &Postgres, statements: &[&str]) {
    let mut admin = superuser(server).await;
    for statement in statements {
        run(&mut admin, statement).await;
    }
}

/// Waits until a server has no connection that serves a client, but for the one that asks: none is
/// kept, and one that was just made and refused is soon gone.
pub(crate) async fn until_left(server: &Postgres) {
    let count = "select count(*) from pg_stat_activity \
        where backend_type = 'client backend' and pid <> pg_backend_pid()";
    let mut admin = superuser(server).await;
    let since = Instant::now();
    loop {
        let left: i64 = sqlx::query_scalar(count).fetch_one(&mut admin).await.unwrap();
        if left == 0 {
            return;
        }
        assert!(since.elapsed() < SOON, "{left} connections stay, of those who listen perhaps");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until the follower has all that its primary has.
pub(crate) async fn caught_up(primary: &Postgres, follower: &Postgres) {
    let written: String = sqlx::query_scalar("select pg_current_wal_flush_lsn()::text")
        .fetch_one(&mut superuser(primary).await)
        .await
        .unwrap();
    let replayed = "select pg_last_wal_replay_lsn() >= $1::pg_lsn";
    let mut follower = superuser(follower).await;
    loop {
        let all = sqlx::query_scalar(replayed).bind(&written).fetch_one(&mut follower).await;
        if all.unwrap() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Two workers that share four shards at an address, with forty records read.
async fn two_workers(bench: &Bench) -> (Running, Running) {
    let (a, b) = (bench.start("a"), bench.start("b"));
    bench.wait_for("two share", || (a.leases(), b.leases()) == (2, 2)).await;
    bench.put(0, 40);
    bench.all_read(40).await;
    (a, b)
}

fn both_valid(a: &Running, b: &Running) -> bool {
    a.handle.status().valid && b.handle.status().valid
}

/// Lets so many session timeouts pass, in which the store takes no beat; tells that nothing is
/// dispatched then.
async fn stand_still(timeouts: u32, (a, b): &(Running, Running)) {
    tokio::time::sleep(short_settings().coordination.session_timeout * timeouts).await;
    assert!(!a.handle.status().valid && !b.handle.status().valid, "nothing is dispatched");
}

/// Waits until every session has beaten since; tells how long after the switch that was.
async fn beating_again(bench: &Bench, switched: Instant) -> Duration {
    let store = bench.store();
    let beats = async || -> BTreeMap<SessionId, u64> {
        let sessions = store.all_sessions(Consistency::Strong).await.unwrap();
        let live = sessions.into_iter().filter(|session| !session.has_ended());
        live.map(|session| (session.id, session.beat)).collect()
    };
    let before = beats().await;
    assert_eq!(before.len(), 2);
    while beats().await.iter().any(|(id, beat)| before.get(id).is_none_or(|old| beat <= old)) {
        assert!(switched.elapsed() < SOON, "no beat since the switch");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let took = switched.elapsed();
    eprintln!("all sessions beat again {took:?} after the switch");
    took
}

/// The address leads to the new server from now on: the fleet beats again, and goes on there.
async fn go_on_at(new: &Postgres, link: &Link, bench: &Bench, workers: (Running, Running)) {
    link.lead(new.port());
    beating_again(bench, Instant::now()).await;
    go_on(bench, workers).await;
}

/// Reads eighty records more, and leaves: nothing is missing.
async fn go_on(bench: &Bench, (a, b): (Running, Running)) {
    bench.wait_for("both live", || both_valid(&a, &b)).await;
    bench.put(40, 80);
    bench.all_read(120).await;
    for worker in [a, b] {
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_leaves_an_old_primary_that_stays_up_and_only_reads() {
    let old = Postgres::start().unwrap();
    let new = old.follower().unwrap();
    let link = Link::to(old.port()).unwrap();
    let bench = Bench::new(link.port(), 4);
    let workers = two_workers(&bench).await;
    tell(&old, &[READ_ONLY, RELOAD]).await;
    // Long enough for every connection to have been used.
    stand_still(2, &workers).await;
    caught_up(&old, &new).await;
    new.promote().unwrap();
    go_on_at(&new, &link, &bench, workers).await;
    until_left(&old).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_leaves_an_old_primary_that_was_made_a_standby_behind_its_address() {
    let mut old = Postgres::start().unwrap();
    let new = old.follower().unwrap();
    let link = Link::to(old.port()).unwrap();
    let bench = Bench::new(link.port(), 4);
    let workers = two_workers(&bench).await;
    caught_up(&old, &new).await;
    new.promote().unwrap();
    // For a while the address leads to the old one, which follows the new one by now.
    old.demote(&new).unwrap();
    stand_still(2, &workers).await;
    until_left(&old).await;
    go_on_at(&new, &link, &bench, workers).await;
    until_left(&old).await;
}

/// As managed servers do whose disk is nearly full.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_only_reads_for_longer_than_a_session_moves_nothing() {
    let server = Postgres::start().unwrap();
    let bench = Bench::new(server.port(), 4);
    let workers = two_workers(&bench).await;
    let before = bench.holders().await;
    tell(&server, &[READ_ONLY, RELOAD]).await;
    stand_still(3, &workers).await;
    tell(&server, &[WRITABLE, RELOAD]).await;
    beating_again(&bench, Instant::now()).await;
    assert_eq!(bench.holders().await, before, "nothing moved");
    go_on(&bench, workers).await;
}

/// The server's host is gone, and its address leads to another one: no connection is ever ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_leaves_connections_on_which_nothing_comes_any_more() {
    let old = Postgres::start().unwrap();
    let new = old.follower().unwrap();
    let link = Link::to(old.port()).unwrap();
    let bench = Bench::new(link.port(), 4);
    let workers = two_workers(&bench).await;
    caught_up(&old, &new).await;
    link.darken();
    new.promote().unwrap();
    go_on_at(&new, &link, &bench, workers).await;
}
