//! `kcl demo --store`: the demo on real servers, in which it leaves nothing.

use std::process::{Output, Stdio};

use anyhow::{Context, Result, ensure};
use kcl_tests::{
    fleet::Launch,
    postgres::superuser,
    servers::{Dynoxide, Postgres, RedisMake, RedisServer},
};
use serde_json::Value;

/// The `kcl` command.
const KCL: &str = env!("CARGO_BIN_EXE_kcl-under-test");

/// Plays the demo as fast as it goes, with leases in this store.
fn demo(store: &str, environment: &[(&str, &str)]) -> Result<Output> {
    let mut command = Launch::command(KCL.as_ref());
    command.args(["demo", "--plain", "--calm", "1", "--rate", "200", "--store", store]);
    command.envs(environment.iter().copied()).stdin(Stdio::null());
    Ok(command.output()?)
}

/// Fails unless every record was processed, in order, with leases in that store. How soon a fleet
/// was even again is no business of a test that shares its machine.
fn check(output: &Output, store: &str) -> Result<()> {
    let said = String::from_utf8_lossy(&output.stderr);
    let verdict: Value = serde_json::from_slice(&output.stdout).context("no verdict")?;
    let records = &verdict["records"];
    for wrong in ["lost", "out_of_order_shard", "out_of_order_key", "stale_epoch"] {
        ensure!(records[wrong] == 0, "{wrong}: {verdict:#}\n{said}");
    }
    ensure!(records["processed"] == records["produced"] && records["produced"] != 0, "{verdict:#}");
    ensure!(verdict["store"] == store, "{verdict:#}");
    ensure!(said.contains(&format!("leases in {store}")), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_plays_on_redis_and_leaves_no_key() -> Result<()> {
    let server = RedisServer::start(RedisMake::Redis)?;
    check(&demo(&server.url(), &[])?, &server.url())?;
    let keys: Vec<String> = redis::from_redis_value(server.tell(&["KEYS", "*"]).await?)?;
    ensure!(keys.is_empty(), "{keys:?}");
    let calls = server.info("commandstats").await?;
    ensure!(calls.contains("cmdstat_eval"), "the leases were elsewhere: {calls}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_plays_on_postgres_and_leaves_no_row() -> Result<()> {
    let server = Postgres::start()?;
    let shown = format!("postgres://…@127.0.0.1:{}/postgres", server.port());
    check(&demo(&server.url(), &[])?, &shown)?;
    let mut admin = superuser(&server).await;
    for table in ["session", "lease", "document"] {
        let count = format!(
            "select count(*), pg_stat_get_tuples_inserted('kcl.{table}'::regclass) from kcl.{table}"
        );
        let count = sqlx::AssertSqlSafe(count);
        let (left, put): (i64, i64) = sqlx::query_as(count).fetch_one(&mut admin).await?;
        ensure!(left == 0, "{left} of {put} rows are left in {table}");
        ensure!(put > 0, "nothing was ever in {table}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_plays_on_dynamodb_and_leaves_the_empty_table() -> Result<()> {
    let server = Dynoxide::start()?;
    let environment = [("AWS_ENDPOINT_URL_DYNAMODB", server.url()), ("AWS_REGION", "eu-west-1")];
    check(&demo("dynamodb://demo-leases", &environment)?, "dynamodb://demo-leases")?;
    let config = kcl_tests::dynamo::config(server.url()).build();
    let client = aws_sdk_dynamodb::Client::from_conf(config);
    let rows = client.scan().table_name("demo-leases").send().await?;
    // The mark of the layout.
    ensure!(rows.count == 1, "{:#?}", rows.items);
    Ok(())
}

#[test]
fn a_store_that_is_not_there_and_a_table_without_a_name_are_refused_at_once() -> Result<()> {
    let refused = |store: &str, words: &[&str]| -> Result<()> {
        let output = demo(store, &[])?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(!output.status.success() && output.stdout.is_empty(), "{said}");
        let missing: Vec<_> = words.iter().filter(|word| !said.contains(**word)).collect();
        ensure!(missing.is_empty(), "{missing:?} are missing: {said}");
        Ok(())
    };
    refused("redis://127.0.0.1:1", &["redis://127.0.0.1:1", "refused"])?;
    refused("dynamodb", &["dynamodb://kcl-demo"])?;
    refused("mysql://kcl:hunter2@db/leases", &["mysql", "postgres://user@host"])?;
    let said = demo("mysql://kcl:hunter2@db/leases", &[])?.stderr;
    ensure!(!String::from_utf8_lossy(&said).contains("hunter2"));
    Ok(())
}
