//! PostgreSQL.

use anyhow::Result;
use kcl_core::store::LeaseStore;
use kcl_postgres::PostgresStore;
use kcl_tests::{
    postgres::{run, superuser},
    servers::{Link, Postgres},
};
use sqlx::{Connection, PgConnection};

use super::case::{Case, PASSWORD, Run, check_all};

use Run::{Consume, ConsumeWaits, List};

/// The address of a database on a server at `port`, for a role with the password.
fn address(role: &str, port: u16, rest: &str) -> String {
    format!("postgres://{role}:{PASSWORD}@127.0.0.1:{port}/{rest}")
}

/// A server on which every role but the superuser needs its password; the schema is there.
async fn guarded() -> Result<Postgres> {
    let server = Postgres::start()?;
    PostgresStore::new("messages", &server.url())?.prepare().await?;
    let mut admin = superuser(&server).await;
    let roles = [
        format!("create role stranger login password '{PASSWORD}'"),
        "create role locked login password 'right'".to_owned(),
        "create database empty".to_owned(),
        "create database newer".to_owned(),
    ];
    for sql in roles {
        run(&mut admin, &sql).await;
    }
    let newer = format!("postgres://postgres@127.0.0.1:{}/newer", server.port());
    PostgresStore::new("messages", &newer)?.prepare().await?;
    let mut there = PgConnection::connect(&newer).await?;
    run(&mut there, "update kcl.layout set version = 99").await;
    let rules = "create table hba (line text); insert into hba values \
        ('host all,replication postgres 127.0.0.1/32 trust'), \
        ('host all all 127.0.0.1/32 scram-sha-256'); \
        copy hba to program 'cat > pg_hba.conf'; select pg_reload_conf()";
    run(&mut admin, rules).await;
    Ok(server)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_cannot_be_reached_is_named_with_the_limit() -> Result<()> {
    let server = Postgres::start()?;
    let hole = Link::to(server.port())?;
    hole.hold(true);
    let here = format!("127.0.0.1:{}", hole.port());
    let held = address("kcl", hole.port(), "postgres");
    let refused = address("kcl", 1, "postgres");
    let unknown = format!("postgres://kcl:{PASSWORD}@nowhere.invalid/postgres");
    check_all(vec![
        Case::new("absent", List, &refused, &["127.0.0.1:1", "refused"]),
        Case::new("absent", ConsumeWaits, &refused, &["127.0.0.1:1", "refused"]),
        Case::new("black hole", List, &held, &[&here, "5s"]),
        Case::new("black hole", ConsumeWaits, &held, &[&here, "5s"]),
        Case::new("unknown host", List, &unknown, &["nowhere.invalid"]),
        Case::new("unknown host", ConsumeWaits, &unknown, &["nowhere.invalid"]),
    ])
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_is_not_set_up_for_it_is_told_with_the_remedy() -> Result<()> {
    let server = guarded().await?;
    let port = server.port();
    let follower = server.follower()?;
    let wrong = address("locked", port, "postgres");
    let stranger = address("stranger", port, "postgres");
    let missing = address("postgres", port, "nowhere");
    let empty = address("stranger", port, "empty");
    let newer = address("postgres", port, "newer");
    let tls = address("postgres", port, "postgres?sslmode=require");
    let reads = follower.url();
    check_all(vec![
        Case::new("wrong password", List, &wrong, &["\"locked\"", "password"]),
        Case::new("wrong password", Consume, &wrong, &["\"locked\"", "password"]),
        Case::new("no rights", List, &stranger, &["permission denied", "usage on schema"]),
        Case::new("no rights", Consume, &stranger, &["stranger", "grant usage on schema"]),
        Case::new("no database", List, &missing, &["\"nowhere\"", "does not exist"]),
        Case::new("no database", Consume, &missing, &["\"nowhere\"", "does not exist"]),
        Case::new("no schema", List, &empty, &["schema \"kcl\"", "in this database"]),
        Case::new("no schema, no right", Consume, &empty, &["schema \"kcl\"", "`create`"]),
        Case::new("a newer layout", Consume, &newer, &["version 99", "release"]),
        Case::new("no TLS", List, &tls, &["TLS", "sslmode"]),
        Case::new("no TLS", Consume, &tls, &["TLS", "sslmode"]),
        Case::new("it follows", List, &reads, &["follows another", "primary"]),
        Case::new("it follows", Consume, &reads, &["follows another", "address of the primary"]),
    ])
    .await
}
