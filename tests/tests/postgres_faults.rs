//! The PostgreSQL store when something is wrong with the server or on the way to it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::time::Duration;

use kcl_core::{
    env::Env,
    lease::{
        Acquire, Advance, Beat, Checkpoint, Epoch, Incarnation, Lease, LeaseKey, Report, Session,
        SessionId, Write,
    },
    store::{Consistency, LeaseStore, StoreErrorKind},
    stream::Position,
};
use kcl_postgres::PostgresStore;
use kcl_tests::{
    postgres::{cause, run, superuser},
    servers::{Link, PgBouncer, Postgres},
};
use sqlx::Connection;

fn store(url: &str) -> PostgresStore {
    PostgresStore::new("orders", url).unwrap()
}

fn worker(incarnation: u128) -> SessionId {
    SessionId::new("worker".parse().unwrap(), Incarnation::from_bits(incarnation))
}

fn session() -> Session {
    Session::new(worker(1), 1, Duration::from_secs(6), Duration::from_millis(1_500))
}

fn planner() -> Lease {
    Lease::new(LeaseKey::planner(), Checkpoint::TrimHorizon)
}

#[tokio::test]
async fn a_pooler_in_transaction_mode_is_refused_whether_it_throws_settings_away_or_not() {
    let server = Postgres::start().unwrap();
    // As poolers are set up for this driver, and as one is that takes every setting and drops it.
    let plain = PgBouncer::start(&server, "extra_float_digits").unwrap();
    let lenient = PgBouncer::start(&server, "extra_float_digits,options").unwrap();
    for pooler in [plain, lenient] {
        let refused = store(&pooler.url()).prepare().await.unwrap_err();
        assert_eq!(refused.kind, StoreErrorKind::Misconfigured, "{}", cause(&refused));
        assert!(cause(&refused).contains("connect to the server itself"), "{}", cause(&refused));
        let refused = store(&pooler.url()).wakeups(&worker(1)).await.unwrap_err();
        assert_eq!(refused.kind, StoreErrorKind::Misconfigured, "{}", cause(&refused));
    }
    let mut admin = superuser(&server).await;
    let made = sqlx::query("select 1 from pg_namespace where nspname = 'kcl'");
    assert!(made.fetch_optional(&mut admin).await.unwrap().is_none());
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_crash_of_the_server() {
    let mut server = Postgres::start().unwrap();
    let store = store(&server.url());
    store.prepare().await.unwrap();
    assert!(store.register(session()).await.unwrap().value.is_done());
    assert!(store.create(planner()).await.unwrap().is_done());
    let lease = store.acquire(Acquire::new(&planner(), worker(1), Epoch(7))).await.unwrap();
    let lease = lease.done().unwrap();
    let mut wakeups = store.wakeups(&worker(1)).await.unwrap().unwrap();

    server.crash().unwrap();
    assert!(wakeups.next().await.is_err(), "whoever listens is told that nobody speaks");
    let beat = |number| store.beat(Beat::new(worker(1), number, Report::NOTHING));
    // The connection that was open may have taken the write along.
    assert_eq!(beat(1).await.unwrap_err().kind, StoreErrorKind::Unknown);
    // One that cannot be made took nothing.
    assert_eq!(beat(2).await.unwrap_err().kind, StoreErrorKind::Unavailable);

    server.go_on().unwrap();
    let before = store.session(&worker(1), Consistency::Strong).await;
    // Connections of other lanes are found to be dead one by one.
    drop(before);
    assert_eq!(store.lease(&LeaseKey::planner()).await.unwrap(), Some(lease));
    assert!(beat(3).await.unwrap().value.is_done());
    let mut wakeups = store.wakeups(&worker(1)).await.unwrap().unwrap();
    store.wake(&worker(1)).await.unwrap();
    wakeups.next().await.unwrap();
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a real server, so real time")]
async fn a_server_is_reached_by_callers_who_cannot_wait_for_a_connection() {
    let server = Postgres::start().unwrap();
    store(&server.url()).prepare().await.unwrap();
    let link = Link::to(server.port()).unwrap();
    // A connection takes four round trips, and a statement two: 1.2 s.
    link.delay(Duration::from_millis(100));
    let store = store(&format!("postgres://postgres@127.0.0.1:{}/postgres", link.port()));
    for _ in 0..10 {
        let listing = store.leases(None);
        if let Ok(listed) = tokio::time::timeout(Duration::from_millis(600), listing).await {
            assert_eq!(listed.unwrap().items, []);
            return;
        }
    }
    panic!("each caller began anew");
}

/// Has a server only read, or write again, by what it tells every new transaction.
async fn only_reads(server: &Postgres, reads: bool) {
    let mut admin = superuser(server).await;
    let value = if reads { "on" } else { "off" };
    run(&mut admin, &format!("alter system set default_transaction_read_only = {value}")).await;
    run(&mut admin, "select pg_reload_conf()").await;
}

#[tokio::test]
async fn a_server_that_only_reads_is_waited_for_and_refused_at_the_start() {
    let server = Postgres::start().unwrap();
    let running = store(&server.url());
    running.prepare().await.unwrap();
    let mut wakeups = running.wakeups(&worker(1)).await.unwrap().unwrap();
    only_reads(&server, true).await;
    let refused = loop {
        // The server's processes read their configuration when they get to it.
        match running.create(planner()).await {
            Err(refused) => break refused,
            Ok(_) => tokio::task::yield_now().await,
        }
    };
    assert_eq!(refused.kind, StoreErrorKind::Unavailable);
    assert!(cause(&refused).contains("primary"), "{}", cause(&refused));
    let deaf = wakeups.next().await.unwrap_err();
    assert_eq!(deaf.kind, StoreErrorKind::Unavailable, "whoever listens looks elsewhere, too");
    assert_eq!(clients(&server).await, 0, "no connection is kept");
    assert!(running.leases(None).await.is_ok(), "reading goes on");
    assert_eq!(clients(&server).await, 0, "nor one that reads");
    let deaf = running.wakeups(&worker(1)).await.unwrap_err();
    assert_eq!(deaf.kind, StoreErrorKind::Unavailable, "{}", cause(&deaf));

    for schema in ["kcl", "elsewhere"] {
        let starting = PostgresStore::builder("orders").url(&server.url()).schema(schema);
        let refused = starting.build().unwrap().prepare().await.unwrap_err();
        assert_eq!(refused.kind, StoreErrorKind::Misconfigured, "{}", cause(&refused));
        assert!(cause(&refused).contains("primary"), "{}", cause(&refused));
        assert!(cause(&refused).contains("default_transaction_read_only"), "{}", cause(&refused));
    }
    only_reads(&server, false).await;
    while running.register(session()).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert!(running.wakeups(&worker(1)).await.is_ok());
}

/// How many connections of others a server has that serve clients, once those that were closed are
/// gone.
async fn clients(server: &Postgres) -> i64 {
    let count = "select count(*) from pg_stat_activity \
        where backend_type = 'client backend' and pid <> pg_backend_pid()";
    let mut admin = superuser(server).await;
    let mut left = i64::MAX;
    for _ in 0..200 {
        left = sqlx::query_scalar(count).fetch_one(&mut admin).await.unwrap();
        if left == 0 {
            break;
        }
        Env::system().clock.sleep(Duration::from_millis(10)).await;
    }
    left
}

/// As a server says to each of its clients when it is shut down.
#[tokio::test]
async fn one_connection_that_the_server_ends_on_its_way_down_ends_them_all() {
    let server = Postgres::start().unwrap();
    let store = store(&server.url());
    store.prepare().await.unwrap();
    assert!(store.register(session()).await.unwrap().value.is_done());
    let mut wakeups = store.wakeups(&worker(1)).await.unwrap().unwrap();
    let mut admin = superuser(&server).await;
    // Only the one that beats.
    let end = "select pg_terminate_backend(pid) from pg_stat_activity \
        where query like '%kcl%session%' and pid <> pg_backend_pid()";
    run(&mut admin, end).await;
    drop(admin);
    let unknown = store.beat(Beat::new(worker(1), 1, Report::NOTHING)).await.unwrap_err();
    assert_eq!(unknown.kind, StoreErrorKind::Unknown, "{}", cause(&unknown));
    assert!(wakeups.next().await.is_err());
    assert_eq!(clients(&server).await, 0, "no connection is kept");
    assert!(store.beat(Beat::new(worker(1), 1, Report::NOTHING)).await.unwrap().value.is_done());
}

#[tokio::test]
async fn whoever_listens_on_a_connection_that_went_dark_is_told_although_nothing_ends_it() {
    let server = Postgres::start().unwrap();
    let link = Link::to(server.port()).unwrap();
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", link.port());
    let patience = Duration::from_millis(500);
    let store = PostgresStore::builder("orders").url(&url).operation_timeout(patience);
    let store = store.build().unwrap();
    store.prepare().await.unwrap();
    let mut wakeups = store.wakeups(&worker(1)).await.unwrap().unwrap();
    let clock = Env::system().clock;
    // Asked for a sign of life, it gives one, however often whoever waits goes away.
    for _ in 0..15 {
        tokio::select! {
            heard = wakeups.next() => panic!("{heard:?}"),
            () = clock.sleep(Duration::from_millis(100)) => {}
        }
    }
    link.darken();
    let deaf = wakeups.next().await.unwrap_err();
    assert_eq!(deaf.kind, StoreErrorKind::Unavailable, "{}", cause(&deaf));
    // What else was open is left with it: this would have to wait for an answer otherwise.
    assert!(store.leases(None).await.is_ok());
    assert!(store.wakeups(&worker(1)).await.is_ok());
}

#[tokio::test]
async fn a_wrong_password_is_denied_and_not_shown() {
    let server = Postgres::start().unwrap();
    let mut admin = superuser(&server).await;
    run(&mut admin, "create role worker login password 'right'").await;
    run(
        &mut admin,
        "create role kcl login password 'right'; grant create on database postgres to kcl",
    )
    .await;
    run(&mut admin, "create table hba (line text)").await;
    run(
        &mut admin,
        "insert into hba values ('host all postgres 127.0.0.1/32 trust'), \
        ('host all all 127.0.0.1/32 scram-sha-256')",
    )
    .await;
    run(&mut admin, "copy hba to program 'cat > pg_hba.conf'; select pg_reload_conf()").await;
    store(&server.url_of("kcl:right")).prepare().await.unwrap();
    let wrong = store(&server.url_of("worker:hunter2"));
    let refused = wrong.prepare().await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Denied, "{}", cause(&refused));
    let shown = format!("{refused} {refused:?} {wrong:?} {}", wrong.location());
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[tokio::test]
async fn a_server_that_is_full_or_absent_is_unavailable() {
    let server = Postgres::start().unwrap();
    let first = store(&server.url());
    first.prepare().await.unwrap();
    let mut admin = superuser(&server).await;
    run(&mut admin, "create role worker login connection limit 1").await;
    run(&mut admin, "grant usage on schema kcl to worker").await;
    run(&mut admin, "grant all on all tables in schema kcl to worker").await;
    let worker = store(&server.url_of("worker"));
    worker.prepare().await.unwrap();
    // A beat needs a connection of its own.
    let refused = worker.register(session()).await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Unavailable, "{}", cause(&refused));
    assert!(cause(&refused).contains("53300"), "{}", cause(&refused));
    let nobody = store("postgres://postgres@127.0.0.1:1/postgres");
    let refused = nobody.prepare().await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Unavailable, "{}", cause(&refused));
    let elsewhere = store(&format!("postgres://postgres@127.0.0.1:{}/nowhere", server.port()));
    let refused = elsewhere.prepare().await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Misconfigured, "{}", cause(&refused));
}

#[tokio::test]
async fn beats_go_on_while_everything_else_waits_for_a_lock() {
    let server = Postgres::start().unwrap();
    let store = PostgresStore::builder("orders").url(&server.url()).connections(2).build().unwrap();
    store.prepare().await.unwrap();
    assert!(store.register(session()).await.unwrap().value.is_done());
    assert!(store.create(planner()).await.unwrap().is_done());
    let mut admin = superuser(&server).await;
    let mut blocking = admin.begin().await.unwrap();
    run(&mut blocking, "lock table kcl.lease in exclusive mode").await;
    let take = || store.acquire(Acquire::new(&planner(), worker(1), Epoch(1)));
    let blocked = async { tokio::join!(take(), take()) };
    let beat = async { store.beat(Beat::new(worker(1), 1, Report::NOTHING)).await.unwrap() };
    let ((one, two), beat) = tokio::join!(blocked, beat);
    assert!(beat.value.is_done());
    // The server gave them up, and undid them: that is certain.
    for given_up in [one, two] {
        assert_eq!(given_up.unwrap_err().kind, StoreErrorKind::Unavailable);
    }
    blocking.rollback().await.unwrap();
    assert!(take().await.unwrap().is_done());
}

#[tokio::test]
async fn each_beat_tells_the_servers_time_and_timeline() {
    let server = Postgres::start().unwrap();
    let store = store(&server.url());
    store.prepare().await.unwrap();
    let registered = store.register(session()).await.unwrap();
    let beat = store.beat(Beat::new(worker(1), 1, Report::NOTHING)).await.unwrap();
    let refused = store.beat(Beat::new(worker(2), 1, Report::NOTHING)).await.unwrap();
    assert_eq!(refused.value, Write::Refused(None));
    for stamp in [&registered.stamp, &beat.stamp, &refused.stamp] {
        assert!(stamp.generation.as_str().starts_with("00000001/"), "{stamp:?}");
        assert!(stamp.at.0 > 1_700_000_000_000, "{stamp:?}");
    }
    assert!(refused.stamp.at >= beat.stamp.at && beat.stamp.at >= registered.stamp.at);
}

#[tokio::test]
async fn a_follower_is_not_believed_until_it_is_promoted_to_a_timeline_of_its_own() {
    let server = Postgres::start().unwrap();
    let first = store(&server.url());
    first.prepare().await.unwrap();
    assert!(first.register(session()).await.unwrap().value.is_done());
    let follower = server.follower().unwrap();
    let second = store(&follower.url());
    let refused = second.prepare().await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Misconfigured, "{}", cause(&refused));
    assert!(cause(&refused).contains("address of the primary"), "{}", cause(&refused));
    let beat = |number| second.beat(Beat::new(worker(1), number, Report::NOTHING));
    let refused = beat(1).await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Unavailable, "{}", cause(&refused));
    assert!(cause(&refused).contains("primary"), "{}", cause(&refused));
    // Its rows may be old: an absence would be taken for a proof.
    let refused = second.leases(None).await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Unavailable, "{}", cause(&refused));
    let refused = second.wakeups(&worker(1)).await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Unavailable, "{}", cause(&refused));

    follower.promote().unwrap();
    let promoted = beat(1).await.unwrap();
    assert!(promoted.value.is_done());
    // The timeline, and which table it is.
    assert!(promoted.stamp.generation.as_str().starts_with("00000002/"), "{promoted:?}");
}

/// Rows written are counted by the server itself.
#[tokio::test]
async fn a_beat_writes_one_row_and_no_index_whatever_is_held() {
    const BEATS: u64 = 20;
    let server = Postgres::start().unwrap();
    let store = store(&server.url());
    store.prepare().await.unwrap();
    assert!(store.register(session()).await.unwrap().value.is_done());
    for n in 0..50_u64 {
        let key: LeaseKey = format!("orders/1/shardId-{n:012}").parse().unwrap();
        let lease = Lease::new(key.clone(), Checkpoint::TrimHorizon);
        assert!(store.create(lease.clone()).await.unwrap().is_done());
        assert!(store.acquire(Acquire::new(&lease, worker(1), Epoch(1))).await.unwrap().is_done());
        let at = Checkpoint::After(Position::new(7_u128.into(), 0));
        let advance = Advance::new(key, worker(1), Epoch(1), at);
        assert!(store.advance(advance).await.unwrap().is_done());
    }
    for number in 1..=BEATS {
        let beat = store.beat(Beat::new(worker(1), number, Report::NOTHING)).await.unwrap();
        assert!(beat.value.is_done());
    }
    let mut admin = superuser(&server).await;
    let counts = "select n_tup_upd, n_tup_hot_upd, n_tup_ins from pg_stat_user_tables \
        where schemaname = 'kcl' and relname = $1";
    let expected = [("session", [20, 20, 1]), ("lease", [100, 100, 50])];
    for (table, expected) in expected {
        let row: (i64, i64, i64) = loop {
            // Each of the server's processes hands in what it counted after a while.
            let row: (i64, i64, i64) =
                sqlx::query_as(counts).bind(table).fetch_one(&mut admin).await.unwrap();
            if [row.0, row.2] == [expected[0], expected[2]] {
                break row;
            }
            assert!(row.0 <= expected[0] && row.2 <= expected[2], "{table}: {row:?}");
            drop(store.leases(None).await.unwrap());
            drop(store.register(session()).await.unwrap());
            tokio::task::yield_now().await;
        };
        let hot = row.1;
        assert!(hot * 10 >= expected[1] * 9, "{table}: {hot} of {} updates were HOT", row.0);
    }
}

#[tokio::test]
async fn tls_is_spoken_with_the_server_that_the_certificate_names_and_no_other() {
    let (server, url, certificate) = Postgres::start_with_tls().unwrap();
    let strict = format!("sslmode=verify-full&sslrootcert={}", certificate.display());
    let trusting = store(&format!("{url}?{strict}"));
    trusting.prepare().await.unwrap();
    assert!(trusting.create(planner()).await.unwrap().is_done());
    assert_eq!(connections(&server, true).await, connections(&server, false).await);

    // By the machine's own authorities nobody knows this server, and its name is no number.
    for other in [format!("{url}?sslmode=verify-full"), format!("{}?{strict}", server.url())] {
        let refused = store(&other).prepare().await.unwrap_err();
        assert_eq!(refused.kind, StoreErrorKind::Misconfigured, "{}", cause(&refused));
        assert!(cause(&refused).contains("certificate"), "{}", cause(&refused));
    }
}

/// How many connections of others the server has: those that are encrypted, or all.
async fn connections(server: &Postgres, encrypted: bool) -> i64 {
    let all = "select count(*) from pg_stat_ssl join pg_stat_activity using (pid) \
        where backend_type = 'client backend' and pid <> pg_backend_pid() and (ssl or not $1)";
    let counted = sqlx::query_scalar(all).bind(encrypted);
    let counted: i64 = counted.fetch_one(&mut superuser(server).await).await.unwrap();
    assert!(counted > 0);
    counted
}
