//! The kind of each error.

use std::{io, time::Duration};

use aws_credential_types::provider::{ProvideCredentials, error::CredentialsError, future};
use aws_sdk_dynamodb::config::{Builder, Credentials, Region};
use kcl_core::{
    lease::{Beat, Incarnation, LeaseKey, Report, SessionId},
    store::{LeaseStore, StoreResult},
};
use tokio::{io::AsyncWriteExt, net::TcpListener};

use super::*;
use crate::{
    DynamoStore,
    fake::{FakeServer, Reply, config},
};

fn store(config: Builder) -> DynamoStore {
    DynamoStore::builder("orders")
        .client_config(config)
        .operation_timeout(Duration::from_millis(500))
        .build()
        .unwrap()
}

async fn writes(store: &DynamoStore) -> StoreResult<()> {
    let id = SessionId::new("pod-1".parse().unwrap(), Incarnation::from_bits(1));
    store.beat(Beat::new(id, 1, Report::NOTHING)).await.map(drop)
}

async fn reads(store: &DynamoStore) -> StoreResult<()> {
    store.lease(&LeaseKey::planner()).await.map(drop)
}

/// The errors of a write and of a read with a server that answers every call with `reply`.
async fn failures(reply: Reply) -> (StoreError, StoreError) {
    let server = FakeServer::start(move |_| reply).await;
    let store = store(server.config());
    (writes(&store).await.unwrap_err(), reads(&store).await.unwrap_err())
}

async fn kinds(reply: Reply) -> (StoreErrorKind, StoreErrorKind) {
    let (write, read) = failures(reply).await;
    (write.kind, read.kind)
}

fn cause(error: &StoreError) -> String {
    error.source.as_ref().unwrap().to_string()
}

#[tokio::test]
async fn answers_are_told_apart() {
    use StoreErrorKind::{Denied, Misconfigured, Missing, Throttled, Unavailable, Unknown};
    for (status, code, write, read) in [
        (400, "ProvisionedThroughputExceededException", Throttled, Throttled),
        (400, "ThrottlingException", Throttled, Throttled),
        (400, "RequestLimitExceeded", Throttled, Throttled),
        (429, "SomethingNew", Throttled, Throttled),
        (400, "AccessDeniedException", Denied, Denied),
        (400, "UnrecognizedClientException", Denied, Denied),
        (400, "ExpiredTokenException", Denied, Denied),
        (403, "InvalidSignatureException", Denied, Denied),
        (403, "SomethingNew", Denied, Denied),
        (400, "ResourceNotFoundException", Missing, Missing),
        (400, "ValidationException", Misconfigured, Misconfigured),
        (400, "TransactionConflictException", Unavailable, Unavailable),
        (500, "InternalServerError", Unknown, Unavailable),
        (503, "ServiceUnavailable", Unknown, Unavailable),
        (500, "SomethingNew", Unknown, Unavailable),
    ] {
        assert_eq!(kinds(Reply::Error(status, code)).await, (write, read), "{status} {code}");
    }
}

#[tokio::test]
async fn an_error_names_operation_row_table_code_and_remedy() {
    let (write, read) = failures(Reply::Error(400, "ResourceNotFoundException")).await;
    let said = write.to_string();
    assert!(said.starts_with("beat of pod-1#") && said.contains("in table orders"), "{said}");
    let said = cause(&read);
    assert!(said.starts_with("ResourceNotFoundException: because"), "{said}");
    assert!(said.contains("table orders") && said.contains("`prepare` creates it"), "{said}");
}

#[tokio::test]
async fn a_write_without_an_answer_may_have_been_done() {
    let expected = (StoreErrorKind::Unknown, StoreErrorKind::Unavailable);
    assert_eq!(kinds(Reply::HangUp).await, expected);
    assert_eq!(kinds(Reply::Silence).await, expected);
    assert_eq!(kinds(Reply::Body("<html>no JSON</html>")).await, expected);
}

#[tokio::test]
async fn a_call_that_never_connected_did_nothing() {
    // A port that nothing listens on.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    for url in [format!("http://{address}"), "http://name.invalid:1".to_owned()] {
        let store = store(config(&url));
        let failed = writes(&store).await.unwrap_err();
        assert_eq!(failed.kind, StoreErrorKind::Unavailable, "{url}: {}", cause(&failed));
    }
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_was_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let store = store(config(&format!("https://{}", listener.local_addr().unwrap())));
    let plain = async {
        let (mut stream, _) = listener.accept().await?;
        stream.write_all(b"HTTP/1.1 400 X\r\n\r\n").await?;
        std::future::pending::<io::Result<()>>().await
    };
    tokio::select! {
        ended = plain => panic!("the server ended: {ended:?}"),
        failed = writes(&store) => {
            assert_eq!(failed.unwrap_err().kind, StoreErrorKind::Unavailable);
        }
    }
}

#[derive(Debug)]
struct Provider(fn() -> CredentialsError);

impl ProvideCredentials for Provider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err((self.0)()))
    }
}

#[tokio::test]
async fn credentials_that_cannot_be_had_are_told_from_those_that_come_later() {
    for (error, kind) in [
        (Provider(|| CredentialsError::not_loaded("none")), StoreErrorKind::Denied),
        (Provider(|| CredentialsError::invalid_configuration("?")), StoreErrorKind::Denied),
        (Provider(|| CredentialsError::provider_error("503")), StoreErrorKind::Unavailable),
        (Provider(|| CredentialsError::unhandled("?")), StoreErrorKind::Unavailable),
    ] {
        // Nothing listens on this port: the call has to fail before it connects.
        let config = config("http://127.0.0.1:1").credentials_provider(error);
        let failed = writes(&store(config)).await.unwrap_err();
        assert_eq!(failed.kind, kind, "{}", cause(&failed));
    }
}

#[tokio::test]
async fn a_configuration_without_credentials_is_a_matter_of_settings() {
    let bare = Builder::new().endpoint_url("http://127.0.0.1:1").region(Region::new("eu-west-1"));
    let failed = writes(&store(bare)).await.unwrap_err();
    assert_eq!(failed.kind, StoreErrorKind::Misconfigured, "{}", cause(&failed));
}

#[tokio::test]
async fn a_missing_region_is_a_matter_of_settings() {
    let placeless =
        Builder::new().credentials_provider(Credentials::new("a", "b", None, None, "tests"));
    let failed = writes(&store(placeless)).await.unwrap_err();
    assert_eq!(failed.kind, StoreErrorKind::Misconfigured, "{}", cause(&failed));
    assert!(cause(&failed).to_lowercase().contains("region"), "{}", cause(&failed));
}
