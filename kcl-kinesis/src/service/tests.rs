use std::{error::Error as _, time::Duration};

use aws_sdk_kinesis::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
use kcl_core::{
    env::WallTime,
    stream::{ByteLimit, SourceError, SourceErrorKind, StartAt, StreamKey, StreamSource},
};
use serde_json::json;

use crate::{
    KinesisSource,
    testing::{Reply, Scripted, WALL, refusal},
};

const DESCRIBE: &str = "DescribeStreamSummary";

fn summary(status: &str) -> Reply {
    Reply::Json(json!({ "StreamDescriptionSummary": {
        "StreamName": "orders", "StreamStatus": status,
        "StreamARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/orders",
        "RetentionPeriodHours": 48, "StreamCreationTimestamp": 1_700_000_000.123,
        "EnhancedMonitoring": [], "OpenShardCount": 1,
    }}))
}

fn cause(error: &SourceError) -> String {
    error.source().unwrap().to_string()
}

#[tokio::test]
async fn a_stream_is_described_with_the_time_of_the_service() {
    let (source, service) = Scripted::source([(DESCRIBE, summary("ACTIVE"))]);
    let description = source.describe().await.unwrap();
    assert_eq!(&*description.key.name, "orders");
    assert_eq!(description.name.as_str(), "123456789012:eu-west-1:orders");
    assert_eq!(description.key.created, WallTime::from_millis(1_700_000_000_123));
    assert_eq!(description.retention, Duration::from_hours(48));
    assert_eq!(description.server_time, WALL.minus(Duration::from_secs(1)));
    assert_eq!(service.played()[0].body["StreamName"], "orders");
}

#[tokio::test]
async fn without_the_time_of_the_service_there_is_no_description() {
    let error = Scripted::undated([(DESCRIBE, summary("ACTIVE"))]).describe().await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Corrupt);
    assert!(cause(&error).contains("no Date header"), "{}", cause(&error));
}

#[tokio::test]
async fn a_description_without_name_or_creation_is_none_and_without_retention_the_least() {
    for lacks in ["StreamName", "StreamCreationTimestamp", "RetentionPeriodHours"] {
        let Reply::Json(mut body) = summary("ACTIVE") else { unreachable!() };
        let described = body["StreamDescriptionSummary"].as_object_mut().unwrap();
        described.remove(lacks);
        let (source, _) = Scripted::source([(DESCRIBE, Reply::Json(body))]);
        match source.describe().await {
            Ok(description) => {
                assert_eq!(lacks, "RetentionPeriodHours");
                assert_eq!(description.retention, Duration::from_hours(24));
            }
            Err(error) => assert_eq!(error.kind, SourceErrorKind::Corrupt, "{lacks}"),
        }
    }
}

#[tokio::test]
async fn a_stream_that_is_being_deleted_is_no_stream() {
    let (source, _) = Scripted::source([(DESCRIBE, summary("DELETING"))]);
    assert_eq!(source.describe().await.unwrap_err().kind, SourceErrorKind::NoStream);
}

#[tokio::test]
async fn each_refusal_is_of_the_kind_that_says_what_to_do() {
    use SourceErrorKind::{Denied, Encryption, Misconfigured, NoStream, Unavailable};
    let cases = [
        ("ResourceNotFoundException", 400, NoStream),
        ("ResourceInUseException", 400, Unavailable),
        ("InternalFailure", 500, Unavailable),
        ("ServiceUnavailable", 503, Unavailable),
        ("AccessDeniedException", 400, Denied),
        ("UnrecognizedClientException", 400, Denied),
        ("ExpiredTokenException", 400, Denied),
        ("SomethingNew", 403, Denied),
        ("KMSAccessDeniedException", 400, Encryption),
        ("KMSDisabledException", 400, Encryption),
        ("KMSInvalidStateException", 400, Encryption),
        ("KMSNotFoundException", 400, Encryption),
        ("KMSOptInRequired", 400, Encryption),
        ("InvalidArgumentException", 400, Misconfigured),
        ("ValidationException", 400, Misconfigured),
        ("SomethingNew", 400, Misconfigured),
    ];
    for (code, status, kind) in cases {
        let (source, _) = Scripted::source([refusal(DESCRIBE, status, code)]);
        let error = source.describe().await.unwrap_err();
        assert_eq!(error.kind, kind, "{code}");
        let said = cause(&error);
        assert!(said.contains(code) && said.contains("the service's message"), "{said}");
        assert_eq!((error.op, error.subject.as_str()), (DESCRIBE, "orders"));
    }
}

#[tokio::test]
async fn each_way_to_ask_for_less_is_a_throttle() {
    let codes = ["LimitExceededException", "ThrottlingException", "KMSThrottlingException", "Odd"];
    for code in codes {
        let status = if code == "Odd" { 429 } else { 400 };
        let (source, _) = Scripted::source((0..7).map(|_| refusal(DESCRIBE, status, code)));
        assert_eq!(source.describe().await.unwrap_err().kind, SourceErrorKind::Throttled, "{code}");
    }
}

#[tokio::test]
async fn a_call_without_answer_may_be_tried_again() {
    let (source, _) = Scripted::source([(DESCRIBE, Reply::Broken)]);
    let error = source.describe().await.unwrap_err();
    assert!(error.is_retryable());
    assert!(cause(&error).contains("the connection broke"), "{}", cause(&error));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_never_answered_ends() {
    let (source, _) = Scripted::source([(DESCRIBE, Reply::Silence)]);
    let error = source.describe().await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unavailable);
    assert!(cause(&error).contains("timeout"), "{}", cause(&error));
    assert!(error.to_string().contains("no whole answer came in time"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_stops_coming_and_an_expired_iterator_are_not_an_absent_service() {
    let cases = [(Reply::Stalled, "no whole answer came in time"), (Reply::Cut, "was cut off")];
    for (reply, what) in cases {
        let (source, _) = Scripted::source([(DESCRIBE, reply)]);
        let error = source.describe().await.unwrap_err();
        assert_eq!(error.kind, SourceErrorKind::Unavailable);
        assert!(error.to_string().contains(what), "{error}: {}", cause(&error));
    }

    let expired = || refusal("GetShardIterator", 400, "ExpiredIteratorException");
    let (source, _) = Scripted::source((0..4).map(|_| expired()));
    let stream = StreamKey::new("orders", WallTime::from_millis(1_700_000_000_123));
    source.is_described_as(&stream);
    let shard = "shardId-0".parse().unwrap();
    let mut reader = source.open(&stream, &shard, StartAt::TrimHorizon).await.unwrap();
    let error = reader.next(ByteLimit(1)).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unavailable);
    assert!(error.to_string().contains("as expired"), "{error}");
}

fn without_credentials() -> aws_sdk_kinesis::config::Builder {
    aws_sdk_kinesis::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .retry_config(RetryConfig::disabled())
        .endpoint_url("http://127.0.0.1:1")
}

#[tokio::test]
async fn missing_credentials_or_region_are_told_as_such() {
    let provider = aws_credential_types::provider::SharedCredentialsProvider::new(
        aws_config::meta::credentials::CredentialsProviderChain::first_try("none", NoCredentials),
    );
    let config = without_credentials().region(Region::new("eu-west-1"));
    let config = config.credentials_provider(provider);
    let source = KinesisSource::builder("orders").client_config(config).build().unwrap();
    let error = source.describe().await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Denied, "{}", cause(&error));

    let config = without_credentials().credentials_provider(Credentials::for_tests());
    let source = KinesisSource::builder("orders").client_config(config).build().unwrap();
    let error = source.describe().await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Misconfigured, "{}", cause(&error));
    assert!(cause(&error).contains("AWS_REGION"), "{}", cause(&error));
}

/// A provider that fails like the default chain on a machine without credentials.
#[derive(Debug)]
struct NoCredentials;

impl aws_credential_types::provider::ProvideCredentials for NoCredentials {
    fn provide_credentials<'a>(
        &'a self,
    ) -> aws_credential_types::provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let none = aws_credential_types::provider::error::CredentialsError::not_loaded("none here");
        aws_credential_types::provider::future::ProvideCredentials::ready(Err(none))
    }
}

#[tokio::test]
async fn a_server_that_does_not_listen_is_unavailable() {
    let config = without_credentials()
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::for_tests());
    let source = KinesisSource::builder("orders").client_config(config).build().unwrap();
    assert_eq!(source.describe().await.unwrap_err().kind, SourceErrorKind::Unavailable);
}

#[tokio::test]
async fn a_configuration_without_behaviour_version_does_not_panic() {
    let config = aws_sdk_kinesis::Config::builder()
        .retry_config(RetryConfig::disabled())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::for_tests())
        .endpoint_url("http://127.0.0.1:1");
    let source = KinesisSource::builder("orders").client_config(config).build().unwrap();
    assert!(source.describe().await.is_err());
}

#[tokio::test]
async fn an_arn_is_called_in_its_own_region_and_by_its_name() {
    let arn = "arn:aws:kinesis:ap-south-1:123456789012:stream/orders";
    let (_, service) = Scripted::builder([(DESCRIBE, summary("ACTIVE"))]);
    let config = aws_sdk_kinesis::Config::builder()
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::for_tests())
        .http_client(service.clone());
    let source = KinesisSource::builder(arn).client_config(config).build().unwrap();
    source.describe().await.unwrap();
    let sent = &service.played()[0];
    assert_eq!(sent.body["StreamARN"], arn);
    assert!(sent.host.contains("ap-south-1"), "{}", sent.host);
}

#[test]
fn debug_output_shows_no_credentials() {
    let config = aws_sdk_kinesis::Config::builder().credentials_provider(Credentials::new(
        "AKIASECRET",
        "very-secret",
        None,
        None,
        "test",
    ));
    let builder = KinesisSource::builder("orders").client_config(config);
    let shown = format!("{builder:?}") + &format!("{:?}", builder.build().unwrap());
    assert!(!shown.contains("secret") && !shown.contains("SECRET"), "{shown}");
}

#[tokio::test]
async fn no_reader_is_opened_for_another_stream_or_another_life_of_it() {
    let script = [(DESCRIBE, summary("ACTIVE")), (DESCRIBE, summary("ACTIVE"))];
    let (source, service) = Scripted::source(script);
    let shard = "shardId-000000000000".parse().unwrap();
    let open = |key: StreamKey| {
        let (source, shard) = (&source, &shard);
        async move { source.open(&key, shard, StartAt::TrimHorizon).await.map(drop) }
    };
    let life = |created| StreamKey::new("orders", WallTime::from_millis(created));
    // The first call describes the stream, the second one sends no request.
    open(life(1_700_000_000_123)).await.unwrap();
    open(life(1_700_000_000_123)).await.unwrap();
    let error = open(life(1)).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::OtherStream);
    assert_eq!(cause(&error), "this is orders/1700000000123");
    assert_eq!(service.played().len(), 2);
}
