use std::sync::atomic::{AtomicUsize, Ordering};

use kcl_core::{
    lease::{Beat, Incarnation, Report, SessionId},
    store::LeaseStore,
};

use super::*;
use crate::{
    DynamoStore,
    fake::{FakeServer, Reply},
};

const MARKED: &str = r#"{"Item":{"pk":{"S":"@kcl"},"sk":{"S":"layout"},"v":{"N":"1"}}}"#;

fn store(server: &FakeServer) -> DynamoStore {
    let builder = DynamoStore::builder("orders").client_config(server.config());
    builder.point_in_time_recovery(true).build().unwrap()
}

/// A server with a table whose point-in-time recovery has this status.
async fn recovering(described: &'static str) -> FakeServer {
    FakeServer::start(move |operation| match operation {
        "GetItem" => Reply::Body(MARKED),
        "DescribeContinuousBackups" => Reply::Body(described),
        _ => Reply::Body("{}"),
    })
    .await
}

#[tokio::test]
async fn point_in_time_recovery_is_turned_on_once() {
    let off = recovering(
        r#"{"ContinuousBackupsDescription":{"ContinuousBackupsStatus":"ENABLED",
            "PointInTimeRecoveryDescription":{"PointInTimeRecoveryStatus":"DISABLED"}}}"#,
    )
    .await;
    store(&off).prepare().await.unwrap();
    let asked = ["GetItem", "DescribeContinuousBackups", "UpdateContinuousBackups"];
    assert_eq!(off.asked(), asked);
    let on = recovering(
        r#"{"ContinuousBackupsDescription":{"ContinuousBackupsStatus":"ENABLED",
            "PointInTimeRecoveryDescription":{"PointInTimeRecoveryStatus":"ENABLED"}}}"#,
    )
    .await;
    store(&on).prepare().await.unwrap();
    assert_eq!(on.asked(), asked[..2]);
}

#[tokio::test]
async fn a_new_table_is_asked_again_for_point_in_time_recovery() {
    let asked = AtomicUsize::new(0);
    let server = FakeServer::start(move |operation| match operation {
        "GetItem" => Reply::Body(MARKED),
        "UpdateContinuousBackups" if asked.fetch_add(1, Ordering::Relaxed) == 0 => {
            Reply::Error(400, "ContinuousBackupsUnavailableException")
        }
        _ => Reply::Body("{}"),
    })
    .await;
    store(&server).prepare().await.unwrap();
    let asked = server.asked();
    assert_eq!(asked[2..], ["UpdateContinuousBackups", "UpdateContinuousBackups"]);
}

#[tokio::test]
async fn a_worker_without_rights_on_the_table_needs_only_one_read() {
    let server = FakeServer::start(|operation| match operation {
        "GetItem" => Reply::Body(MARKED),
        _ => Reply::Error(400, "AccessDeniedException"),
    })
    .await;
    store(&server).prepare().await.unwrap();
}

#[tokio::test]
async fn a_table_that_cannot_be_used_is_told() {
    for (described, kind) in [
        (r#"{"Table":{"TableStatus":"ARCHIVED"}}"#, StoreErrorKind::Misconfigured),
        (
            r#"{"Table":{"TableStatus":"INACCESSIBLE_ENCRYPTION_CREDENTIALS"}}"#,
            StoreErrorKind::Denied,
        ),
    ] {
        let server = FakeServer::start(move |operation| match operation {
            "GetItem" => Reply::Error(400, "ResourceNotFoundException"),
            _ => Reply::Body(described),
        })
        .await;
        assert_eq!(store(&server).prepare().await.unwrap_err().kind, kind, "{described}");
    }
}

#[tokio::test]
async fn a_failed_creation_says_why() {
    let server = FakeServer::start(|operation| match operation {
        "GetItem" | "DescribeTable" => Reply::Error(400, "ResourceNotFoundException"),
        _ => Reply::Error(400, "AccessDeniedException"),
    })
    .await;
    let failed = store(&server).prepare().await.unwrap_err();
    assert_eq!((failed.kind, failed.op), (StoreErrorKind::Denied, "prepare"));
}

#[tokio::test]
async fn a_session_gone_from_a_table_without_a_layout_is_gone_with_its_table() {
    let server = FakeServer::start(|operation| match operation {
        "UpdateItem" => Reply::Error(400, "ConditionalCheckFailedException"),
        // The state after the table was created and before its layout item was written.
        _ => Reply::Body("{}"),
    })
    .await;
    let id = SessionId::new("pod-1".parse().unwrap(), Incarnation::from_bits(1));
    let beat = Beat::new(id, 2, Report::default());
    let failed = store(&server).beat(beat).await.unwrap_err();
    assert_eq!(failed.kind, StoreErrorKind::Missing);
}
