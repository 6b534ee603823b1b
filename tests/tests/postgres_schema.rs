//! The PostgreSQL store's schema: how it is made, by whom, and what is refused in its place.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use kcl_core::{
    lease::{Checkpoint, Lease, LeaseKey},
    store::{LeaseStore, LeaseStoreExt, StoreErrorKind},
};
use kcl_postgres::PostgresStore;
use kcl_tests::{
    postgres::{cause, run, superuser},
    servers::Postgres,
};
use sqlx::Row;

fn store(server: &Postgres, role: &str) -> PostgresStore {
    PostgresStore::new("orders", &server.url_of(role)).unwrap()
}

fn planner() -> Lease {
    Lease::new(LeaseKey::planner(), Checkpoint::TrimHorizon)
}

#[tokio::test]
async fn a_role_that_may_only_write_rows_works_once_the_schema_is_there() {
    let server = Postgres::start().unwrap();
    let mut admin = superuser(&server).await;
    run(&mut admin, "create role worker login").await;

    let refused = store(&server, "worker").prepare().await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Denied);
    assert!(cause(&refused).contains("schema_sql"), "{}", cause(&refused));

    // The administrator does by hand what the store says.
    let worker = store(&server, "worker");
    run(&mut admin, &worker.schema_sql()).await;
    let refused = worker.prepare().await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Denied);
    let remedy = cause(&refused);
    let grants = remedy.split_once("has to run: ").unwrap().1;
    run(&mut admin, grants).await;

    worker.prepare().await.unwrap();
    assert!(worker.create(planner()).await.unwrap().is_done());
    assert_eq!(worker.all_leases().await.unwrap(), [planner()]);
}

#[tokio::test]
async fn each_missing_right_is_named() {
    let server = Postgres::start().unwrap();
    let mut admin = superuser(&server).await;
    store(&server, "postgres").prepare().await.unwrap();
    run(&mut admin, "create role worker login; grant usage on schema kcl to worker").await;
    run(&mut admin, "grant select on all tables in schema kcl to worker").await;
    run(&mut admin, "grant insert, update on kcl.session, kcl.document to worker").await;
    let worker = store(&server, "worker");
    let refused = worker.prepare().await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Denied);
    for part in ["insert on lease", "update on lease", "delete on session", "\"worker\""] {
        assert!(cause(&refused).contains(part), "{}", cause(&refused));
    }
    assert!(!cause(&refused).contains("insert on session"), "{}", cause(&refused));
    let refused = worker.create(planner()).await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Denied);
    assert!(cause(&refused).contains("usage on schema \"kcl\""), "{}", cause(&refused));
}

#[tokio::test]
async fn a_role_that_owns_its_schema_needs_no_right_to_make_one() {
    let server = Postgres::start().unwrap();
    let mut admin = superuser(&server).await;
    run(&mut admin, "create role owner login; create schema kcl authorization owner").await;
    let owner = store(&server, "owner");
    owner.prepare().await.unwrap();
    assert!(owner.create(planner()).await.unwrap().is_done());
}

#[tokio::test]
async fn a_layout_two_versions_on_is_refused_and_the_next_one_is_used() {
    let server = Postgres::start().unwrap();
    let mut admin = superuser(&server).await;
    let store = store(&server, "postgres");
    store.prepare().await.unwrap();
    // What the next release may do: add.
    run(&mut admin, "alter table kcl.lease add column note text").await;
    run(&mut admin, "update kcl.layout set version = 2").await;
    store.prepare().await.unwrap();
    assert!(store.create(planner()).await.unwrap().is_done());
    assert_eq!(store.lease(&LeaseKey::planner()).await.unwrap(), Some(planner()));
    run(&mut admin, "update kcl.layout set version = 3").await;
    let refused = store.prepare().await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Misconfigured);
    assert!(cause(&refused).contains("layout version 3"), "{}", cause(&refused));
    assert!(cause(&refused).contains("`schema`"), "{}", cause(&refused));
}

#[tokio::test]
async fn applications_share_a_schema_or_have_their_own() {
    let server = Postgres::start().unwrap();
    let mut admin = superuser(&server).await;
    let own = PostgresStore::builder("orders").url(&server.url()).schema("Team-A").build().unwrap();
    assert_eq!(
        own.location(),
        format!("postgres://127.0.0.1:{}/postgres?schema=Team-A", server.port())
    );
    own.prepare().await.unwrap();
    assert!(own.create(planner()).await.unwrap().is_done());
    let shared = store(&server, "postgres");
    shared.prepare().await.unwrap();
    assert!(shared.all_leases().await.unwrap().is_empty());
    let row = sqlx::query("select count(*) from \"Team-A\".lease").fetch_one(&mut admin).await;
    assert_eq!(row.unwrap().get::<i64, _>(0), 1);
}

#[tokio::test]
async fn a_store_that_was_not_prepared_says_what_is_missing() {
    let server = Postgres::start().unwrap();
    let failed = store(&server, "postgres").lease(&LeaseKey::planner()).await.unwrap_err();
    assert_eq!(failed.kind, StoreErrorKind::Missing);
    assert!(cause(&failed).contains("`prepare` makes it"), "{}", cause(&failed));
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_named() {
    let server = Postgres::start().unwrap();
    let mut admin = superuser(&server).await;
    let store = store(&server, "postgres");
    store.prepare().await.unwrap();
    assert!(store.create(planner()).await.unwrap().is_done());
    run(&mut admin, "update kcl.lease set kind = 'SOMEWHERE'").await;
    for failed in [
        store.lease(&LeaseKey::planner()).await.map(drop).unwrap_err(),
        store.leases(None).await.map(drop).unwrap_err(),
    ] {
        assert_eq!(failed.kind, StoreErrorKind::Corrupt);
        assert!(failed.to_string().contains("@planner in schema \"kcl\""), "{failed}");
        assert!(cause(&failed).contains("SOMEWHERE"), "{}", cause(&failed));
    }
}
