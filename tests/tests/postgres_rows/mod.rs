//! How the PostgreSQL store writes rows down: as every release did, and so that any reads back.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use kcl_core::{
    conformance::rows,
    lease::{
        Advance, Beat, Checkpoint, DocName, Document, Lease, LeaseKey, Progress, PutDoc, Release,
        Session, SessionId,
    },
    store::{Consistency, LeaseStore},
};
use kcl_postgres::PostgresStore;
use kcl_tests::{postgres::superuser, servers::Postgres};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection, Row};

/// Rows as every release wrote them, by their table and their key's column.
const GOLDEN: &str = include_str!("golden.json");

async fn prepared(server: &Postgres) -> (PostgresStore, PgConnection) {
    let store = PostgresStore::new("orders", &server.url()).unwrap();
    store.prepare().await.unwrap();
    (store, superuser(server).await)
}

/// The columns of a row.
async fn kept(on: &mut PgConnection, table: &str, key: &str, value: &str) -> Value {
    let sql = format!("select to_jsonb(row)::text from kcl.{table} as row where {key} = $1");
    let row = sqlx::query(AssertSqlSafe(sql)).bind(value).fetch_one(on).await.unwrap();
    serde_json::from_str(row.get(0)).unwrap()
}

/// Puts a row by its columns, as another process does.
async fn put(on: &mut PgConnection, table: &str, row: &Value) {
    let sql = format!(
        "insert into kcl.{table} select * from jsonb_populate_record(null::kcl.{table}, $1::jsonb)"
    );
    sqlx::query(AssertSqlSafe(sql)).bind(row.to_string()).execute(on).await.unwrap();
}

async fn empty(on: &mut PgConnection) {
    sqlx::query("truncate kcl.session, kcl.lease, kcl.document").execute(on).await.unwrap();
}

fn document(body: &'static str) -> Document {
    Document::new(DocName::placement(), 1, body.into())
}

#[tokio::test]
async fn rows_are_written_as_ever() {
    let server = Postgres::start().unwrap();
    let (store, mut admin) = prepared(&server).await;
    let golden: Value = serde_json::from_str(GOLDEN).unwrap();
    for (name, session) in [
        ("full_session", rows::full_session().unwrap()),
        ("bare_session", rows::bare_session().unwrap()),
    ] {
        let id = session.id.key();
        assert!(store.register(session).await.unwrap().value.is_done());
        assert_eq!(kept(&mut admin, "session", "id", &id).await, golden[name], "{name}");
    }
    for (name, lease) in
        [("full_lease", rows::full_lease().unwrap()), ("bare_lease", rows::bare_lease().unwrap())]
    {
        let key = lease.key.clone();
        assert!(store.create(lease).await.unwrap().is_done());
        assert_eq!(kept(&mut admin, "lease", "key", key.as_str()).await, golden[name], "{name}");
    }
    for (name, Document { name: key, body, .. }) in
        [("document", document(r#"{"rules":[]}"#)), ("empty_document", document(""))]
    {
        assert!(store.put_doc(PutDoc::new(key.clone(), None, body)).await.unwrap().is_done());
        assert_eq!(kept(&mut admin, "document", "name", key.as_str()).await, golden[name]);
        empty(&mut admin).await;
    }
}

#[tokio::test]
async fn rows_are_read_as_ever() {
    let server = Postgres::start().unwrap();
    let (store, mut admin) = prepared(&server).await;
    let golden: Value = serde_json::from_str(GOLDEN).unwrap();
    for (name, session) in [
        ("full_session", rows::full_session().unwrap()),
        ("bare_session", rows::bare_session().unwrap()),
    ] {
        put(&mut admin, "session", &golden[name]).await;
        let read = store.session(&session.id, Consistency::Strong).await.unwrap();
        assert_eq!(read, Some(session));
    }
    for (name, lease) in
        [("full_lease", rows::full_lease().unwrap()), ("bare_lease", rows::bare_lease().unwrap())]
    {
        put(&mut admin, "lease", &golden[name]).await;
        assert_eq!(store.lease(&lease.key).await.unwrap(), Some(lease));
    }
    for (name, document) in
        [("document", document(r#"{"rules":[]}"#)), ("empty_document", document(""))]
    {
        put(&mut admin, "document", &golden[name]).await;
        assert_eq!(store.doc(&document.name).await.unwrap(), Some(document));
        empty(&mut admin).await;
    }
}

#[tokio::test]
async fn any_row_reads_back() {
    let server = Postgres::start().unwrap();
    let (store, mut admin) = prepared(&server).await;
    for seed in 0..200 {
        let session: Session = rows::any_session(seed).unwrap();
        assert!(store.register(session.clone()).await.unwrap().value.is_done());
        let read = store.session(&session.id, Consistency::Strong).await.unwrap();
        assert_eq!(read, Some(session));
        let lease: Lease = rows::any_lease(seed).unwrap();
        assert!(store.create(lease.clone()).await.unwrap().is_done());
        assert_eq!(store.lease(&lease.key).await.unwrap(), Some(lease));
        let Document { name, body, .. } = rows::any_document(seed).unwrap();
        let put = PutDoc::new(name.clone(), None, body.clone());
        assert!(store.put_doc(put).await.unwrap().is_done());
        assert_eq!(store.doc(&name).await.unwrap(), Some(Document::new(name, 1, body)));
        // Each seed draws its keys anew: the same one may be drawn again.
        empty(&mut admin).await;
    }
}

/// The columns that differ, with what they are afterwards.
fn changed(before: &Value, after: &Value) -> Value {
    let after = after.as_object().unwrap().iter();
    after
        .filter(|(name, value)| before[name.as_str()] != **value)
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

#[tokio::test]
async fn beats_and_checkpoints_write_the_columns_they_ever_wrote() {
    let server = Postgres::start().unwrap();
    let (store, mut admin) = prepared(&server).await;
    let (session, report) = (rows::bare_session().unwrap(), rows::full_session().unwrap().report);
    assert!(store.register(session.clone()).await.unwrap().value.is_done());
    let id: SessionId = session.id;
    let before = kept(&mut admin, "session", "id", &id.key()).await;
    let beat = Beat::new(id.clone(), 41, report).leaving(true);
    assert!(store.beat(beat).await.unwrap().value.is_done());
    let after = kept(&mut admin, "session", "id", &id.key()).await;
    let wanted = json!({
        "beat": 41, "seen_term": 1_700_000_000_001_u64, "seen_version": 9, "changes": 21,
        "conflicts": 32, "watched": 103, "state": "LEAVING"
    });
    assert_eq!(changed(&before, &after), wanted);

    let full = rows::full_lease().unwrap();
    let wanted = json!({
        "checkpoint": full.checkpoint.key(), "kind": "AFTER",
        "arrival_ms": 1_700_000_000_009_u64, "lag_ms": 2_250, "rate": 9_000
    });
    let keys: [LeaseKey; 3] =
        ["orders/1/a", "orders/1/b", "orders/1/c"].map(|k| k.parse().unwrap());
    for key in &keys {
        let mut lease = Lease::new(key.clone(), Checkpoint::TrimHorizon);
        (lease.owner, lease.epoch) = (full.owner.clone(), full.epoch);
        assert!(store.create(lease).await.unwrap().is_done());
    }
    let [a, b, c] = &keys;
    let owner = full.owner.clone().unwrap();
    let advance = |key: &LeaseKey| {
        Advance::new(key.clone(), owner.clone(), full.epoch, full.checkpoint.clone())
            .with_progress(full.progress)
    };
    let before = kept(&mut admin, "lease", "key", a.as_str()).await;
    // One by itself, two in one statement.
    assert!(store.advance(advance(a)).await.unwrap().is_done());
    let (of_b, of_c) = tokio::join!(store.advance(advance(b)), store.advance(advance(c)));
    assert!(of_b.unwrap().is_done() && of_c.unwrap().is_done());
    for key in &keys {
        let mut after = kept(&mut admin, "lease", "key", key.as_str()).await;
        after["key"] = before["key"].clone();
        assert_eq!(changed(&before, &after), wanted, "{key}");
    }
    // What is not known any more is removed; a release without a checkpoint leaves all as it was.
    let before = kept(&mut admin, "lease", "key", b.as_str()).await;
    let unknown = advance(b).with_progress(Progress::NONE);
    assert!(store.advance(unknown).await.unwrap().is_done());
    let after = kept(&mut admin, "lease", "key", b.as_str()).await;
    let wanted = json!({ "arrival_ms": null, "lag_ms": null, "rate": 0 });
    assert_eq!(changed(&before, &after), wanted);
    let before = kept(&mut admin, "lease", "key", c.as_str()).await;
    let release = Release::new(c.clone(), owner.clone(), full.epoch);
    assert!(store.release(release).await.unwrap().is_done());
    let after = kept(&mut admin, "lease", "key", c.as_str()).await;
    assert_eq!(changed(&before, &after), json!({ "owner": null }));
}
