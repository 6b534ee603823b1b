//! The Redis store and its server: what is refused, what failures mean, what operations cost.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::time::Duration;

use kcl_core::{
    lease::{
        Acquire, Advance, Beat, Checkpoint, Epoch, Incarnation, Lease, LeaseKey, Release, Report,
        Session, SessionId, StoreTime, Write,
    },
    store::{Consistency, LeaseStore, LeaseStoreExt, StoreError, StoreErrorKind},
};
use kcl_redis::{Durability, RedisStore, RedisStoreBuilder, TlsCertificates};
use kcl_tests::servers::{Link, RedisMake, RedisServer};
use redis::Value;

/// The rights that the documentation of the store lists.
const RIGHTS: &[&str] = &[
    "+evalsha",
    "+eval",
    "+hget",
    "+hset",
    "+hsetnx",
    "+hdel",
    "+zadd",
    "+zrem",
    "+zrangebylex",
    "+time",
    "+info",
    "+get",
    "+set",
    "+wait",
    "+cluster|slots",
    "+publish",
    "+spublish",
    "+subscribe",
    "+ssubscribe",
];

/// The same by category.
const CATEGORIES: &[&str] = &[
    "+@scripting",
    "+@hash",
    "+@sortedset",
    "+@string",
    "+@pubsub",
    "+time",
    "+info",
    "+wait",
    "+cluster|slots",
];

fn builder(server: &RedisServer) -> RedisStoreBuilder {
    RedisStore::builder("orders").url(&server.url()).operation_timeout(Duration::from_secs(2))
}

fn store(server: &RedisServer) -> RedisStore {
    builder(server).build().unwrap()
}

fn cause(error: &StoreError) -> String {
    error.source.as_ref().unwrap().to_string()
}

fn id(n: u128) -> SessionId {
    SessionId::new("pod-7".parse().unwrap(), Incarnation::from_bits(n))
}

fn session(n: u128) -> Session {
    Session::new(id(n), 1, Duration::from_secs(6), Duration::from_millis(1_500))
}

fn lease() -> Lease {
    Lease::new(LeaseKey::planner(), Checkpoint::TrimHorizon)
}

async fn refusal(store: &RedisStore) -> (StoreErrorKind, String) {
    let refused = store.prepare().await.unwrap_err();
    (refused.kind, cause(&refused))
}

#[tokio::test]
async fn a_wrong_password_is_denied_and_not_shown() {
    let server = RedisServer::start(RedisMake::Redis).unwrap();
    server.tell(&["ACL", "SETUSER", "app", "on", ">right", "~*", "&*", "+@all"]).await.unwrap();
    let user = |password| builder(&server).credentials(Some("app"), password).build().unwrap();
    user("right").prepare().await.unwrap();
    let wrong = user("wr0ng");
    let refused = wrong.prepare().await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Denied);
    let said = format!("{refused} {refused:?} {wrong:?} {}", cause(&refused));
    assert!(said.contains("WRONGPASS") && !said.contains("wr0ng"), "{said}");
    server.tell(&["ACL", "SETUSER", "default", "off"]).await.unwrap();
    let (kind, said) = refusal(&store(&server)).await;
    assert_eq!(kind, StoreErrorKind::Denied);
    assert!(said.contains("NOAUTH") && said.contains("`credentials`"), "{said}");
}

/// Goes through every operation.
async fn use_everything(store: &RedisStore) -> Result<(), StoreError> {
    store.prepare().await?;
    assert!(store.register(session(1)).await?.value.is_done());
    let mut wakeups = store.wakeups(&id(1)).await?.unwrap();
    store.wake(&id(1)).await?;
    wakeups.next().await?;
    assert!(store.beat(Beat::new(id(1), 1, Report::NOTHING)).await?.value.is_done());
    assert!(store.create(lease()).await?.is_done());
    assert!(store.acquire(Acquire::new(&lease(), id(1), Epoch(1))).await?.is_done());
    assert!(store.release(Release::new(LeaseKey::planner(), id(1), Epoch(1))).await?.is_done());
    assert_eq!(store.all_leases().await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn the_rights_listed_suffice_and_each_missing_one_is_named() {
    for make in [RedisMake::Redis, RedisMake::Valkey] {
        let server = RedisServer::start(make).unwrap();
        let allow = async |name: &str, rights: &[&str]| {
            let user = ["ACL", "SETUSER", name, "on", ">p", "~kcl:{orders}:*", "&kcl:{orders}:*"];
            server.tell(&[user.as_slice(), &["-@all"], rights].concat()).await.unwrap();
            builder(&server).credentials(Some(name), "p").build().unwrap()
        };
        use_everything(&allow("app", RIGHTS).await).await.unwrap();
        server.tell(&["FLUSHALL"]).await.unwrap();
        use_everything(&allow("broad", CATEGORIES).await).await.unwrap();
        let blind = allow("blind", &["+evalsha", "+eval", "+hget"]).await;
        let (kind, said) = refusal(&blind).await;
        assert_eq!(kind, StoreErrorKind::Denied);
        assert!(said.contains("'info'") && said.contains("rights"), "{said}");
        // Inside of a script.
        let denied = blind.create(lease()).await.unwrap_err();
        assert_eq!(denied.kind, StoreErrorKind::Denied, "{}", cause(&denied));
        let elsewhere = RedisStore::builder("payments").url(&server.url());
        let elsewhere = elsewhere.credentials(Some("app"), "p").build().unwrap();
        let denied = elsewhere.lease(&LeaseKey::planner()).await.unwrap_err();
        assert_eq!(denied.kind, StoreErrorKind::Denied, "{}", cause(&denied));
    }
}

#[tokio::test]
async fn a_server_that_would_throw_leases_away_is_refused_with_the_remedy() {
    let server = RedisServer::start(RedisMake::Redis).unwrap();
    server.tell(&["CONFIG", "SET", "maxmemory", "100mb"]).await.unwrap();
    store(&server).prepare().await.unwrap();
    server.tell(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).await.unwrap();
    let (kind, said) = refusal(&store(&server)).await;
    assert_eq!(kind, StoreErrorKind::Misconfigured);
    assert!(said.contains("allkeys-lru") && said.contains("noeviction"), "{said}");
    // No key here has an expiry.
    server.tell(&["CONFIG", "SET", "maxmemory-policy", "volatile-lru"]).await.unwrap();
    store(&server).prepare().await.unwrap();
    server.tell(&["CONFIG", "SET", "maxmemory", "1"]).await.unwrap();
    let full = store(&server).create(lease()).await.unwrap_err();
    assert_eq!(full.kind, StoreErrorKind::Misconfigured);
    assert!(cause(&full).contains("raise maxmemory"), "{}", cause(&full));
}

#[tokio::test]
async fn a_replica_is_refused_at_the_start_and_waited_for_later() {
    let primary = RedisServer::start(RedisMake::Redis).unwrap();
    let server = RedisServer::start(RedisMake::Redis).unwrap();
    let running = store(&server);
    running.prepare().await.unwrap();
    let mut wakeups = running.wakeups(&id(1)).await.unwrap().unwrap();
    server.follow(&primary).await.unwrap();
    let (kind, said) = refusal(&store(&server)).await;
    assert_eq!(kind, StoreErrorKind::Misconfigured);
    assert!(said.contains(&format!("127.0.0.1:{}", primary.port())), "{said}");
    // A primary that was demoted: behind the same address there may soon be another one.
    let demoted = running.create(lease()).await.unwrap_err();
    assert_eq!(demoted.kind, StoreErrorKind::Unavailable);
    assert!(cause(&demoted).contains("address of the primary"), "{}", cause(&demoted));
    // Nor is it read from, or listened to: its rows may be old.
    let unread = running.lease(&LeaseKey::planner()).await.unwrap_err();
    assert_eq!(unread.kind, StoreErrorKind::Unavailable);
    assert!(cause(&unread).contains(&primary.port().to_string()), "{}", cause(&unread));
    assert_eq!(wakeups.next().await.unwrap_err().kind, StoreErrorKind::Unavailable);
    assert_eq!(running.wakeups(&id(1)).await.unwrap_err().kind, StoreErrorKind::Unavailable);
    server.tell(&["REPLICAOF", "NO", "ONE"]).await.unwrap();
    assert!(running.create(lease()).await.unwrap().is_done());
}

#[tokio::test]
async fn a_later_layout_is_refused_and_the_one_before_is_read() {
    let server = RedisServer::start(RedisMake::Redis).unwrap();
    let store = store(&server);
    store.prepare().await.unwrap();
    let mark = async |version: &str| {
        server.tell(&["SET", "kcl:{orders}:layout", version]).await.unwrap();
        store.prepare().await
    };
    mark("0").await.unwrap();
    let refused = mark("2").await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Misconfigured);
    assert!(cause(&refused).contains("layout version 2"), "{}", cause(&refused));
    assert_eq!(mark("two").await.unwrap_err().kind, StoreErrorKind::Corrupt);
}

#[tokio::test]
async fn rows_and_keys_that_make_no_sense_are_named() {
    let server = RedisServer::start(RedisMake::Redis).unwrap();
    let store = store(&server);
    store.prepare().await.unwrap();
    assert!(store.create(lease()).await.unwrap().is_done());
    for nonsense in ["seven", "7", "{\"e\":\"seven\"}", "{\"e\":7}"] {
        let row = ["HSET", "kcl:{orders}:leases", "@planner", nonsense];
        server.tell(&row).await.unwrap();
        let acquire = Acquire::new(&lease(), id(1), Epoch(1));
        for failed in [
            store.lease(&LeaseKey::planner()).await.map(drop).unwrap_err(),
            store.all_leases().await.map(drop).unwrap_err(),
            store.acquire(acquire).await.map(drop).unwrap_err(),
        ] {
            assert_eq!(failed.kind, StoreErrorKind::Corrupt, "{nonsense}: {}", cause(&failed));
            assert!(failed.to_string().contains("@planner at redis://127.0.0.1"), "{failed}");
        }
    }
    // It hides no other row.
    let other = Lease::new("orders/1/a".parse().unwrap(), Checkpoint::TrimHorizon);
    assert!(store.create(other.clone()).await.unwrap().is_done());
    let listed = store.list_leases().await.unwrap();
    assert_eq!(listed.rows, [other]);
    assert_eq!(listed.unreadable.len(), 1);
    assert_eq!(listed.unreadable[0].key, "@planner");
    server.tell(&["SET", "kcl:{orders}:documents", "mine"]).await.unwrap();
    assert_eq!(store.docs(None).await.map(drop).unwrap_or_else(drop), ());
    let foreign = store.doc(&"placement".parse().unwrap()).await.unwrap_err();
    assert_eq!(foreign.kind, StoreErrorKind::Misconfigured);
    assert!(cause(&foreign).contains("wrong kind"), "{}", cause(&foreign));
}

#[tokio::test]
async fn what_was_not_sent_is_unavailable_and_what_was_not_answered_is_unknown() {
    let mut server = RedisServer::start(RedisMake::Redis).unwrap();
    let store = builder(&server).operation_timeout(Duration::from_millis(400)).build().unwrap();
    // Connected, and the server knows the script: the first request is the only one.
    let other = Lease::new("@other".parse().unwrap(), Checkpoint::TrimHorizon);
    assert!(store.create(other).await.unwrap().is_done());
    server.pause().unwrap();
    let unknown = store.create(lease()).await.unwrap_err();
    assert_eq!(unknown.kind, StoreErrorKind::Unknown, "{}", cause(&unknown));
    // A new connection gets no answer either, so that nothing is sent.
    let unavailable = store.create(lease()).await.unwrap_err();
    assert_eq!(unavailable.kind, StoreErrorKind::Unavailable, "{}", cause(&unavailable));
    server.resume().unwrap();
    let late = store.create(lease()).await.unwrap();
    assert!(!late.is_done(), "the first one was applied late");
    server.kill();
    let failed = store.create(lease()).await.unwrap_err();
    assert!(matches!(failed.kind, StoreErrorKind::Unavailable | StoreErrorKind::Unknown));
    let refused = store.create(lease()).await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Unavailable, "{}", cause(&refused));
    server.launch().unwrap();
    assert!(store.create(lease()).await.unwrap().is_done());
}

/// The machine is gone and another one has its address, but nothing ends the connections to it.
#[tokio::test]
async fn a_connection_that_went_dark_is_left_by_those_who_do_not_wait_for_its_end() {
    let server = RedisServer::start(RedisMake::Redis).unwrap();
    let link = Link::to(server.port()).unwrap();
    let url = format!("redis://127.0.0.1:{}", link.port());
    let store = RedisStore::new("orders", &url).unwrap();
    store.prepare().await.unwrap();
    let mut wakeups = store.wakeups(&id(1)).await.unwrap().unwrap();
    link.darken();
    let clock = kcl_core::env::Env::system().clock;
    let (key, mut tries) = (LeaseKey::planner(), 0);
    loop {
        tries += 1;
        assert!(tries < 10, "each caller got the dead connection");
        // Less than the operation timeout, like a worker's of the fast profile.
        tokio::select! {
            answer = store.lease(&key) => break assert_eq!(answer.unwrap(), None),
            () = clock.sleep(Duration::from_millis(500)) => {}
        }
    }
    // Whoever listens would not have noticed for minutes.
    assert_eq!(wakeups.next().await.unwrap_err().kind, StoreErrorKind::Unavailable);
    let mut wakeups = store.wakeups(&id(1)).await.unwrap().unwrap();
    link.darken();
    assert_eq!(wakeups.next().await.unwrap_err().kind, StoreErrorKind::Unavailable);
}

#[tokio::test]
async fn scripts_that_the_server_forgot_are_sent_again() {
    let server = RedisServer::start(RedisMake::Redis).unwrap();
    let store = store(&server);
    assert!(store.create(lease()).await.unwrap().is_done());
    server.tell(&["SCRIPT", "FLUSH"]).await.unwrap();
    assert!(!store.create(lease()).await.unwrap().is_done());
}

#[tokio::test]
async fn a_beat_tells_the_servers_time_and_a_promotion_begins_another_generation() {
    let primary = RedisServer::start(RedisMake::Valkey).unwrap();
    let mut replica = RedisServer::start(RedisMake::Valkey).unwrap();
    replica.follow(&primary).await.unwrap();
    let (store, mut primary) = (store(&primary), primary);
    let before = store.register(session(1)).await.unwrap().stamp;
    let StoreTime(now) = before.at;
    let wall = kcl_core::env::Env::system().clock.wall().as_millis();
    assert!(now.abs_diff(wall) < 60_000, "{now} {wall}");
    let beat = async |number| store.beat(Beat::new(id(1), number, Report::NOTHING)).await;
    let same = beat(1).await.unwrap().stamp;
    assert_eq!((before.generation.as_str().len(), &same.generation), (40, &before.generation));
    assert!(same.at >= before.at);
    replica.catch_up(&primary).await.unwrap();
    replica.tell(&["REPLICAOF", "NO", "ONE"]).await.unwrap();
    let address = primary.port();
    primary.kill();
    replica.move_to(address).await.unwrap();
    let after = loop {
        if let Ok(answer) = beat(2).await {
            break answer.stamp;
        }
    };
    assert_ne!(after.generation, before.generation);
}

#[tokio::test]
async fn a_replica_that_stands_still_does_not_stall_claims() {
    let primary = RedisServer::start(RedisMake::Redis).unwrap();
    let replica = RedisServer::start(RedisMake::Redis).unwrap();
    replica.follow(&primary).await.unwrap();
    let strict = builder(&primary).durability(Durability::Replicas(1));
    let patient = strict.clone().operation_timeout(Duration::from_secs(60));
    let patient = patient.replica_timeout(Duration::from_secs(30)).build().unwrap();
    patient.prepare().await.unwrap();
    let store = store(&primary);
    store.prepare().await.unwrap();
    assert!(patient.create(lease()).await.unwrap().is_done());
    replica.pause().unwrap();
    // The first one waits in vain, for a fifth of a second; the others not at all.
    for epoch in 1..200 {
        let seen = store.lease(&LeaseKey::planner()).await.unwrap().unwrap();
        let taken = store.acquire(Acquire::new(&seen, id(1), Epoch(epoch))).await.unwrap();
        assert!(taken.is_done());
    }
    let waits = calls(&primary, "wait").await;
    assert!((2..=3).contains(&waits), "{waits} waits for 200 claims");
    // Who asks for more than the server can give is told so.
    let release = Release::new(LeaseKey::planner(), id(1), Epoch(199));
    let unconfirmed = strict.build().unwrap().release(release).await.unwrap_err();
    assert_eq!(unconfirmed.kind, StoreErrorKind::Unknown);
    assert!(cause(&unconfirmed).contains("0 of 1 replicas"), "{}", cause(&unconfirmed));
    replica.resume().unwrap();
}

/// How often a command was sent.
async fn calls(server: &RedisServer, command: &str) -> u64 {
    let stats = server.info("commandstats").await.unwrap();
    let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:")));
    let count = line.and_then(|line| line.strip_prefix("calls=")?.split(',').next()?.parse().ok());
    count.unwrap_or(0)
}

/// How many requests, and of which kind, since it was last asked: scripts, reads, waits.
async fn bill(server: &RedisServer) -> (u64, u64, u64) {
    let scripts = calls(server, "evalsha").await + calls(server, "eval").await;
    let (reads, waits) = (calls(server, "hget").await, calls(server, "wait").await);
    server.tell(&["CONFIG", "RESETSTAT"]).await.unwrap();
    (scripts, reads, waits)
}

#[tokio::test]
async fn operations_cost_what_the_documentation_says() {
    let server = RedisServer::start(RedisMake::Redis).unwrap();
    let store = store(&server);
    store.prepare().await.unwrap();
    for n in 1..=3 {
        assert!(store.register(session(n)).await.unwrap().value.is_done());
    }
    assert!(store.create(lease()).await.unwrap().is_done());
    let acquire = Acquire::new(&lease(), id(1), Epoch(1));
    assert!(store.acquire(acquire.clone()).await.unwrap().is_done());
    assert_eq!(store.all_leases().await.unwrap().len(), 1);
    // From now on the server knows the scripts.
    bill(&server).await;
    // A script reads the row once; so does a plain read, without a script.
    assert!(store.beat(Beat::new(id(1), 1, Report::NOTHING)).await.unwrap().value.is_done());
    assert_eq!(bill(&server).await, (1, 1, 0), "a beat");
    let at = Checkpoint::AtTimestamp(kcl_core::env::WallTime::from_millis(7));
    let advance = Advance::new(LeaseKey::planner(), id(1), Epoch(1), at);
    assert!(store.advance(advance).await.unwrap().is_done());
    assert_eq!(bill(&server).await, (1, 1, 0), "a checkpoint");
    assert!(matches!(store.acquire(acquire).await.unwrap(), Write::Refused(Some(_))));
    assert_eq!(bill(&server).await, (1, 1, 0), "a refused acquire");
    store.session(&id(1), Consistency::Strong).await.unwrap().unwrap();
    assert_eq!(bill(&server).await, (0, 1, 0), "a session");
    assert_eq!(store.all_sessions(Consistency::Eventual).await.unwrap().len(), 3);
    assert_eq!(bill(&server).await, (1, 3, 0), "a listing");
    let clients: Value = server.tell(&["CLIENT", "LIST", "TYPE", "normal"]).await.unwrap();
    let clients: String = redis::from_redis_value(clients).unwrap();
    // Beats, everything else, and the one that asks.
    assert_eq!(clients.lines().count(), 3, "{clients}");
}

#[tokio::test]
async fn tls_is_spoken_with_those_whom_the_certificates_name_and_nobody_else() {
    let (server, url, root_cert) = RedisServer::with_tls(RedisMake::Redis).unwrap();
    let known = TlsCertificates { client_tls: None, root_cert: Some(root_cert) };
    let trusting = RedisStore::builder("orders").url(&url).tls_certificates(known).build().unwrap();
    assert!(trusting.location().starts_with("rediss://localhost:"), "{trusting:?}");
    use_everything(&trusting).await.unwrap();
    // By the machine's own authorities nobody knows this server.
    let distrusting = RedisStore::new("orders", &url).unwrap();
    let (kind, said) = refusal(&distrusting).await;
    assert_eq!(kind, StoreErrorKind::Unavailable);
    assert!(said.contains("certificate"), "{said}");
    drop(server);
}

#[test]
fn connections_belong_to_the_runtime_that_first_uses_the_store() {
    let server = RedisServer::start(RedisMake::Redis).unwrap();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (user, keeper) = (runtime(), runtime());
    let store = user.block_on(async { store(&server) });
    keeper.block_on(store.prepare()).unwrap();
    drop(user);
    assert!(keeper.block_on(store.all_leases()).unwrap().is_empty());
}
