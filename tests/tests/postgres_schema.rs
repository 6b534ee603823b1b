//! The PostgreSQL store's schema: how it is made, by whom, and what is refused in its place.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::time::Duration;

use kcl_core::{
    lease::{Beat, Checkpoint, Incarnation, Lease, LeaseKey, Report, Session, SessionId},
    store::{Consistency, LeaseStore, LeaseStoreExt, StoreErrorKind},
};
use kcl_postgres::PostgresStore;
use kcl_tests::{
    postgres::{cause, run, superuser},
    servers::Postgres,
};
use sqlx::{AssertSqlSafe, PgConnection, Row};

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
    run(&mut admin, "update kcl.layout set version = 3").await;
    store.prepare().await.unwrap();
    assert!(store.create(planner()).await.unwrap().is_done());
    assert_eq!(store.lease(&LeaseKey::planner()).await.unwrap(), Some(planner()));
    run(&mut admin, "update kcl.layout set version = 4").await;
    let refused = store.prepare().await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Misconfigured);
    assert!(cause(&refused).contains("layout version 4"), "{}", cause(&refused));
    assert!(cause(&refused).contains("`schema`"), "{}", cause(&refused));
}

/// The schema as the first version of the layout has it.
async fn first_layout(connection: &mut PgConnection) {
    run(connection, "create schema kcl").await;
    let made = include_str!("../../kcl-postgres/src/migrations/1.sql").replace("{s}", "kcl");
    run(connection, &made).await;
}

async fn version(connection: &mut PgConnection) -> i64 {
    let row = sqlx::query("select version from kcl.layout").fetch_one(connection).await;
    row.unwrap().get(0)
}

/// What a worker of the first layout sends: it names its columns, and prepares its statements.
const OLD_COLUMNS: &str = "id, start, timeout_ms, interval_ms, capacity, beat, state, mailbox, \
    seen_term, seen_version, changes, conflicts, watched";

async fn old_register(connection: &mut PgConnection, id: &str) {
    let sql = format!(
        "insert into kcl.session (application, {OLD_COLUMNS}) values \
         ($1, $2, 3, 6000, 1500, 0, 7, 'LIVE', 0, 0, 0, 0, 0, 9) returning {OLD_COLUMNS}"
    );
    let row = sqlx::query(AssertSqlSafe(sql)).bind("orders").bind(id).fetch_one(connection).await;
    assert_eq!(row.unwrap().len(), 13);
}

async fn old_beat(connection: &mut PgConnection, id: &str, beat: i64) -> i64 {
    let sql = format!(
        "update kcl.session set beat = $3 where application = $1 and id = $2 and beat < $3 \
         returning {OLD_COLUMNS}"
    );
    let beat = sqlx::query(AssertSqlSafe(sql)).bind("orders").bind(id).bind(beat);
    let row = beat.fetch_one(connection).await.unwrap();
    assert_eq!(row.len(), 13);
    row.get("beat")
}

fn id(worker: &str) -> SessionId {
    SessionId::new(worker.parse().unwrap(), Incarnation::from_bits(7))
}

fn session(worker: &str) -> Session {
    let mut session =
        Session::new(id(worker), 3, Duration::from_secs(6), Duration::from_millis(1_500));
    session.beat = 7;
    session.report.watched = 9;
    session
}

#[tokio::test]
async fn workers_of_two_layouts_work_on_the_same_rows() {
    let server = Postgres::start().unwrap();
    let mut old = superuser(&server).await;
    first_layout(&mut old).await;
    old_register(&mut old, &id("old").key()).await;
    assert_eq!(old_beat(&mut old, &id("old").key(), 8).await, 8);

    // The first worker of this release changes the tables under the old one.
    let new = store(&server, "postgres");
    new.prepare().await.unwrap();
    let told = session("new")
        .reading("123456789012:eu-west-1:orders".parse().unwrap())
        .in_zone(Some("eu-west-1a".parse().unwrap()));
    assert!(new.register(told.clone()).await.unwrap().value.is_done());

    // It reads the other's row, as written before it came, …
    let mut tacit = session("old");
    tacit.beat = 8;
    let listed = new.all_sessions(Consistency::Strong).await.unwrap();
    assert_eq!(listed, [told.clone(), tacit]);
    // … the other goes on with statements that it prepared before, and reads this one's row …
    assert_eq!(old_beat(&mut old, &id("old").key(), 9).await, 9);
    old_register(&mut old, &id("old-again").key()).await;
    assert_eq!(old_beat(&mut old, &told.id.key(), 8).await, 8);
    let again = new.session(&id("old-again"), Consistency::Strong).await.unwrap();
    assert_eq!(again, Some(session("old-again")));
    // … and what it does not know stays as it is.
    let beat = new.beat(Beat::new(told.id.clone(), 9, Report::NOTHING)).await.unwrap();
    let row = beat.value.done().unwrap();
    assert_eq!((row.stream, row.zone), (told.stream, told.zone));
    assert_eq!(version(&mut old).await, 2);
}

#[tokio::test]
async fn a_role_that_may_not_change_the_tables_says_what_an_administrator_has_to_run() {
    let server = Postgres::start().unwrap();
    let mut admin = superuser(&server).await;
    first_layout(&mut admin).await;
    old_register(&mut admin, &id("old").key()).await;
    run(&mut admin, "create role worker login; grant usage on schema kcl to worker").await;
    let tables = "kcl.session, kcl.lease, kcl.document";
    let writes = "select, insert, update, delete";
    run(&mut admin, &format!("grant {writes} on {tables} to worker")).await;
    run(&mut admin, "grant select on kcl.layout to worker").await;
    let worker = store(&server, "worker");
    let refused = worker.prepare().await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Denied);
    assert!(cause(&refused).contains("schema_sql"), "{}", cause(&refused));

    // What makes a new schema changes an older one, and leaves one that is new enough alone.
    for _ in 0..2 {
        run(&mut admin, &worker.schema_sql()).await;
        worker.prepare().await.unwrap();
        assert_eq!(worker.all_sessions(Consistency::Strong).await.unwrap(), [session("old")]);
        assert_eq!(version(&mut admin).await, 2);
    }
}

#[tokio::test]
async fn workers_that_start_at_once_change_the_schema_once() {
    let server = Postgres::start().unwrap();
    let mut admin = superuser(&server).await;
    first_layout(&mut admin).await;
    let workers = [(); 8].map(|()| store(&server, "postgres"));
    let mut starting = tokio::task::JoinSet::new();
    for worker in workers {
        starting.spawn(async move { worker.prepare().await });
    }
    let prepared = starting.join_all().await;
    assert!(prepared.iter().all(Result::is_ok), "{prepared:?}");
    assert_eq!(version(&mut admin).await, 2);
}

#[tokio::test]
async fn a_schema_in_use_is_not_waited_for_while_everybody_else_waits() {
    let server = Postgres::start().unwrap();
    let mut admin = superuser(&server).await;
    first_layout(&mut admin).await;
    let mut dump = superuser(&server).await;
    run(&mut dump, "begin; lock table kcl.session in access share mode").await;
    let worker = store(&server, "postgres");
    let late = worker.prepare().await.unwrap_err();
    assert_eq!(late.kind, StoreErrorKind::Unavailable);
    assert!(cause(&late).contains("another transaction uses its tables"), "{}", cause(&late));
    // Nothing of it is left, nobody waits behind it, and the next try does it.
    assert_eq!(version(&mut admin).await, 1);
    old_register(&mut admin, &id("old").key()).await;
    run(&mut dump, "commit").await;
    worker.prepare().await.unwrap();
    assert_eq!(version(&mut admin).await, 2);
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
    assert!(store.register(session("w")).await.unwrap().value.is_done());
    for column in ["stream", "zone"] {
        run(&mut admin, &format!("update kcl.session set {column} = 'in the east'")).await;
        let failed = store.all_sessions(Consistency::Strong).await.unwrap_err();
        assert_eq!(failed.kind, StoreErrorKind::Corrupt);
        assert!(failed.to_string().contains(&id("w").key()), "{failed}");
        let said = cause(&failed);
        assert!(said.contains(column) && said.contains("in the east"), "{said}");
        run(&mut admin, &format!("update kcl.session set {column} = null")).await;
    }
    run(&mut admin, "update kcl.lease set kind = 'SOMEWHERE'").await;
    let failed = store.lease(&LeaseKey::planner()).await.unwrap_err();
    assert!(failed.to_string().contains("@planner in schema \"kcl\""), "{failed}");
    for failed in [failed, store.all_leases().await.unwrap_err()] {
        assert_eq!(failed.kind, StoreErrorKind::Corrupt);
        assert!(failed.to_string().contains("@planner"), "{failed}");
        assert!(cause(&failed).contains("SOMEWHERE"), "{}", cause(&failed));
    }

    // It hides no other row, not even as the last one of a page.
    let other = Lease::new("orders/1/a".parse().unwrap(), Checkpoint::TrimHorizon);
    assert!(store.create(other.clone()).await.unwrap().is_done());
    let listed = store.list_leases().await.unwrap();
    assert_eq!(listed.rows, [other]);
    let [bad] = &listed.unreadable[..] else { panic!("{listed:?}") };
    assert_eq!(bad.key, "@planner");
    assert!(bad.why.contains("SOMEWHERE"), "{bad}");
}
