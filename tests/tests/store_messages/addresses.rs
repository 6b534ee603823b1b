//! Addresses that name no store, or one that cannot be meant.

use anyhow::Result;

use super::case::{Case, PASSWORD, Run, check_all};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_names_no_store_is_refused_with_those_that_would() -> Result<()> {
    let mysql = format!("mysql://kcl:{PASSWORD}@db/leases");
    let cluster = format!("redis-cluster://:{PASSWORD}@cache:6379");
    check_all(vec![
        Case::new("another database", Run::Consume, &mysql, &["mysql", "postgres://", "memory:"]),
        Case::new("another database", Run::List, &mysql, &["mysql", "postgres://", "redis://"]),
        Case::new("another database", Run::Copy, &mysql, &["mysql", "postgres://", "redis://"]),
        Case::new("a scheme for clusters", Run::List, &cluster, &["redis://", "one of its nodes"]),
        Case::new("no database server", Run::List, "postgres:", &["postgres://user@host/database"]),
        Case::new(
            "a table's name that is none",
            Run::Consume,
            "dynamodb://a",
            &["\"a\"", "3 to 255"],
        ),
        Case::new(
            "memory of another process",
            Run::List,
            "memory:",
            &["memory:", "inside the one process", "postgres://"],
        ),
    ])
    .await
}
