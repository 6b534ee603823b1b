//! A simulated Kinesis with one shard that fails at random.

use std::sync::{Arc, Mutex};

use aws_sdk_kinesis::config::{
    Credentials, HttpClient, Region, RuntimeComponents, http::HttpRequest, retry::RetryConfig,
};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use kcl_core::env::Rng;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{ManualClock, Reply, service::respond};
use crate::KinesisSource;

/// A stored record: its number, and its body in an answer.
pub(crate) type Kept = (u64, Value);

/// One closed shard. An iterator is the sequence number of the first record to return.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    state: Arc<Mutex<State>>,
    /// Notified when a request will never be answered.
    pub(crate) silence: Arc<Notify>,
}

#[derive(Debug)]
struct State {
    records: Vec<Kept>,
    rng: Rng,
    /// The share of requests that fail, in percent.
    faults: u64,
    /// The number of records that may still be trimmed.
    trims: usize,
    names_children: bool,
    tells_lag: bool,
    /// The number of the newest record ever returned.
    newest: u64,
    /// The value of `newest` at the last answer without iterator in the middle of the shard.
    unclear: Option<u64>,
}

impl Model {
    /// Creates a shard with these records. All random choices depend on `seed`.
    pub(crate) fn source(records: Vec<Kept>, trims: usize, seed: u64) -> (KinesisSource, Self) {
        let mut rng = Rng::new(seed);
        let (names_children, tells_lag) = (rng.below(2) == 0, rng.below(2) == 0);
        let state = State {
            records,
            rng,
            faults: 30,
            trims,
            names_children,
            tells_lag,
            newest: 0,
            unclear: None,
        };
        let model = Self { state: Arc::new(Mutex::new(state)), silence: Arc::default() };
        let config = aws_sdk_kinesis::Config::builder()
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::for_tests())
            .retry_config(RetryConfig::disabled())
            .http_client(model.clone());
        let (env, _) = ManualClock::env();
        let source = KinesisSource::builder("orders").client_config(config).env(env);
        (source.build().unwrap(), model)
    }

    /// Ends the faults: every later request is answered.
    pub(crate) fn calm(&self) {
        self.state.lock().unwrap().faults = 0;
    }
}

impl State {
    fn reply(&mut self, operation: &str, body: &Value) -> Reply {
        if self.trims > 0 && self.rng.below(4) == 0 {
            self.trims -= 1;
            self.records.remove(0);
        }
        if self.rng.below(100) < self.faults {
            return self.fault(operation);
        }
        match operation {
            "GetShardIterator" => self.iterator(body),
            "GetRecords" => self.read(body),
            "ListShards" => Reply::Json(json!({ "Shards": [
                shard("shardId-000000000000", None, Some("9")),
                shard("shardId-000000000001", Some("shardId-000000000000"), None),
            ]})),
            other => panic!("{other} was called"),
        }
    }

    fn fault(&mut self, operation: &str) -> Reply {
        let refusal = |status, code| Reply::Refusal { status, code, message: "at random" };
        match self.rng.below(6) {
            0 => Reply::Broken,
            1 => Reply::Silence,
            2 => refusal(500, "InternalFailure"),
            3 if operation == "GetRecords" => refusal(400, "ExpiredIteratorException"),
            4 if operation == "GetRecords" => refusal(400, "InvalidArgumentException"),
            _ => refusal(400, "ProvisionedThroughputExceededException"),
        }
    }

    fn iterator(&self, body: &Value) -> Reply {
        let token = match body["ShardIteratorType"].as_str().unwrap() {
            "TRIM_HORIZON" => "0",
            "AT_SEQUENCE_NUMBER" => body["StartingSequenceNumber"].as_str().unwrap(),
            other => panic!("{other} was asked for"),
        };
        Reply::Json(json!({ "ShardIterator": token }))
    }

    fn read(&mut self, body: &Value) -> Reply {
        let from: u64 = body["ShardIterator"].as_str().unwrap().parse().unwrap();
        let limit = usize::try_from(body["Limit"].as_u64().unwrap()).unwrap();
        // An answer without iterator in the middle of the shard, never twice at one position.
        if self.faults > 0 && self.unclear != Some(self.newest) && self.rng.below(8) == 0 {
            self.unclear = Some(self.newest);
            return Reply::Json(json!({ "Records": [], "MillisBehindLatest": 5_000 }));
        }
        // Kinesis sometimes returns no records, but never with a lag of zero before the tip.
        let least = u64::from(!self.tells_lag);
        let some = usize::try_from(self.rng.below(5).max(least)).unwrap().min(limit);
        let rest = self.records.iter().filter(|(number, _)| *number >= from).count();
        let page: Vec<_> =
            self.records.iter().filter(|(number, _)| *number >= from).take(some).collect();
        let next = page.last().map_or(from, |(number, _)| number + 1);
        self.newest = self.newest.max(next.saturating_sub(1));
        let lag = if self.tells_lag { rest - page.len() } else { 0 };
        let mut answer = json!({
            "Records": page.iter().map(|(_, body)| body).collect::<Vec<_>>(),
            "MillisBehindLatest": lag,
        });
        // The shard is closed, so the answer with the last records or the next one is the end.
        if rest == page.len() && (rest == 0 || self.rng.below(2) == 0) {
            if self.names_children {
                answer["ChildShards"] = json!([{
                    "ShardId": "shardId-000000000001",
                    "ParentShards": ["shardId-000000000000"],
                    "HashKeyRange": { "StartingHashKey": "0", "EndingHashKey": "9" },
                }]);
            }
        } else {
            answer["NextShardIterator"] = next.to_string().into();
        }
        Reply::Json(answer)
    }
}

fn shard(id: &str, parent: Option<&str>, end: Option<&str>) -> Value {
    json!({
        "ShardId": id,
        "ParentShardId": parent,
        "HashKeyRange": { "StartingHashKey": "0", "EndingHashKey": "9" },
        "SequenceNumberRange": { "StartingSequenceNumber": "1", "EndingSequenceNumber": end },
    })
}

impl HttpConnector for Model {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap();
        let operation = target.rsplit('.').next().unwrap();
        let body = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        match self.state.lock().unwrap().reply(operation, &body) {
            Reply::Silence => {
                self.silence.notify_one();
                HttpConnectorFuture::new(std::future::pending())
            }
            reply => HttpConnectorFuture::ready(respond(reply, None)),
        }
    }
}

impl HttpClient for Model {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
