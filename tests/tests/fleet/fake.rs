//! A Kinesis API that answers as a test tells it, and remembers what it was asked.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use axum::{Router, body::Bytes, extract::State, http::HeaderMap, response::IntoResponse};
use serde_json::{Value, json};

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) operation: String,
    /// The region the request was signed for.
    pub(crate) region: String,
    pub(crate) body: Value,
}

/// What is answered.
pub(crate) enum Reply {
    Json(Value),
    /// A refusal with status 400 and this code.
    Error(&'static str),
}

type Answer = dyn Fn(&Asked, usize) -> Reply + Send + Sync;

#[derive(Clone)]
struct Shared {
    asked: Arc<Mutex<Vec<Asked>>>,
    answer: Arc<Answer>,
}

/// A server that lives as long as the test's runtime.
pub(crate) struct FakeKinesis {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl FakeKinesis {
    /// A server that answers so; it is told how often the operation was asked before.
    #[expect(clippy::disallowed_methods, reason = "a server of the test's own")]
    pub(crate) async fn start(
        answer: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static,
    ) -> Result<Self> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let asked = Arc::default();
        let shared = Shared { asked: Arc::clone(&asked), answer: Arc::new(answer) };
        // Records of some mebibytes, in base64.
        let limit = axum::extract::DefaultBodyLimit::max(32 << 20);
        let app = Router::new().fallback(serve).layer(limit).with_state(shared);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { url, asked })
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often this was asked.
    pub(crate) fn count(&self, operation: &str) -> usize {
        self.asked().iter().filter(|asked| asked.operation == operation).count()
    }
}

async fn serve(
    State(shared): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse + use<> {
    let header = |name: &str| headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let operation = header("x-amz-target").rsplit('.').next().unwrap_or_default().to_owned();
    // Credential=KEY/DATE/REGION/kinesis/aws4_request
    let region = header("authorization").split('/').nth(2).unwrap_or_default().to_owned();
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let asked = Asked { operation, region, body };
    let before = {
        let mut all = shared.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let before = all.iter().filter(|it| it.operation == asked.operation).count();
        all.push(asked.clone());
        before
    };
    let (status, body) = match (shared.answer)(&asked, before) {
        Reply::Json(body) => (200, body),
        Reply::Error(code) => (400, json!({ "__type": code })),
    };
    let status = axum::http::StatusCode::from_u16(status).unwrap_or_default();
    (status, [("content-type", "application/x-amz-json-1.1")], body.to_string())
}

/// What `DescribeStreamSummary` answers of a stream with so many open shards.
pub(crate) fn summary(arn: &str, shards: usize, record_kib: usize) -> Reply {
    Reply::Json(json!({ "StreamDescriptionSummary": {
        "StreamName": arn.rsplit('/').next(), "StreamARN": arn, "StreamStatus": "ACTIVE",
        "RetentionPeriodHours": 24, "StreamCreationTimestamp": 1_769_850_000.0,
        "EnhancedMonitoring": [], "OpenShardCount": shards, "MaxRecordSizeInKiB": record_kib,
    }}))
}

/// What `ListShards` answers of a stream with one shard.
pub(crate) fn one_shard() -> Reply {
    Reply::Json(json!({ "Shards": [{
        "ShardId": "shardId-000000000000",
        "HashKeyRange": {
            "StartingHashKey": "0", "EndingHashKey": "340282366920938463463374607431768211455",
        },
        "SequenceNumberRange": { "StartingSequenceNumber": "1" },
    }]}))
}

/// What `PutRecords` answers that takes every record, but those `refused`.
pub(crate) fn taken(asked: &Asked, refused: impl Fn(usize) -> bool) -> Reply {
    let count = asked.body["Records"].as_array().map_or(0, Vec::len);
    let one = |number: usize| match refused(number) {
        true => json!({ "ErrorCode": "ProvisionedThroughputExceededException" }),
        false => json!({ "SequenceNumber": "1", "ShardId": "shardId-000000000000" }),
    };
    let records: Vec<Value> = (0..count).map(one).collect();
    let failed = (0..count).filter(|number| refused(*number)).count();
    Reply::Json(json!({ "FailedRecordCount": failed, "Records": records }))
}
