//! Redis.

use anyhow::Result;
use kcl_tests::servers::{Link, RedisCluster, RedisMake, RedisServer};

use super::case::{Case, PASSWORD, Run, check_all};

use Run::{Consume, ConsumeWaits, List};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_cannot_be_reached_is_named_with_the_limit() -> Result<()> {
    let server = RedisServer::start(RedisMake::Redis)?;
    let hole = Link::to(server.port())?;
    hole.hold(true);
    let here = format!("127.0.0.1:{}", hole.port());
    let held = format!("redis://:{PASSWORD}@{here}");
    let refused = format!("redis://:{PASSWORD}@127.0.0.1:1");
    let unknown = format!("redis://:{PASSWORD}@nowhere.invalid");
    let tls = format!("rediss://:{PASSWORD}@127.0.0.1:{}", server.port());
    check_all(vec![
        Case::new("absent", List, &refused, &["127.0.0.1:1", "refused"]),
        Case::new("absent", ConsumeWaits, &refused, &["127.0.0.1:1", "refused"]),
        Case::new("black hole", List, &held, &[&here, "1s"]),
        Case::new("black hole", ConsumeWaits, &held, &[&here, "1s"]),
        Case::new("unknown host", List, &unknown, &["nowhere.invalid"]),
        Case::new("unknown host", ConsumeWaits, &unknown, &["nowhere.invalid"]),
        Case::new("no TLS", List, &tls, &["rediss://127.0.0.1", "TLS"]),
        Case::new("no TLS", ConsumeWaits, &tls, &["rediss://127.0.0.1", "TLS"]),
    ])
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_not_set_up_for_it_is_told_with_the_remedy() -> Result<()> {
    let server = RedisServer::start(RedisMake::Redis)?;
    let right = format!(">{PASSWORD}");
    let rules = ["~*", "&*", "-@all", "+info", "+get", "+cluster|slots", "+hello", "+client"];
    let user = [&["ACL", "SETUSER", "weak", "on", &right][..], &rules].concat();
    server.tell(&user).await?;
    server.tell(&["ACL", "SETUSER", "locked", "on", ">right", "~*", "+@all"]).await?;
    server.tell(&["SET", "kcl:{messages}:layout", "99"]).await?;
    let evicting = ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"];
    let evicting = RedisServer::with(RedisMake::Redis, &evicting)?;
    let replica = RedisServer::start(RedisMake::Redis)?;
    replica.follow(&server).await?;
    let sentinel = RedisServer::sentinel(&server)?;
    let cluster = RedisCluster::start(RedisMake::Redis).await?;

    let at = |user: &str| format!("redis://{user}:{PASSWORD}@127.0.0.1:{}", server.port());
    let (wrong, weak) = (at("locked"), at("weak"));
    let (newer, evicting, replica) = (server.url(), evicting.url(), replica.url());
    let watcher = sentinel.url();
    let database = format!("{}/3", cluster.nodes()[0].url());
    check_all(vec![
        Case::new("wrong password", List, &wrong, &["redis://127.0.0.1", "password"]),
        Case::new("wrong password", Consume, &wrong, &["redis://127.0.0.1", "password"]),
        Case::new("no rights", List, &weak, &["permissions", "kcl_redis"]),
        Case::new("no rights", Consume, &weak, &["permissions", "kcl_redis"]),
        Case::new("a newer layout", Consume, &newer, &["version 99", "release"]),
        Case::new("it evicts", Consume, &evicting, &["allkeys-lru", "noeviction"]),
        Case::new("only reads", Consume, &replica, &["replica", "127.0.0.1", "primary"]),
        Case::new("a Sentinel", Consume, &watcher, &["Sentinel", "follows the primary"]),
        Case::new("a database in a cluster", List, &database, &["/3", "one database"]),
        Case::new("a database in a cluster", Consume, &database, &["/3", "one database"]),
    ])
    .await
}
