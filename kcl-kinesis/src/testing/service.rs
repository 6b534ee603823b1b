//! A simulated Kinesis that answers from a script: each request must be the next one expected.

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use aws_sdk_kinesis::config::{
    BehaviorVersion, Credentials, HttpClient, Region, RuntimeComponents,
    http::{HttpRequest, HttpResponse},
    retry::RetryConfig,
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body::{Body, Frame};
use kcl_core::env::Env;
use serde_json::{Value, json};

use super::{ManualClock, WALL};
use crate::{KinesisSource, KinesisSourceBuilder};

/// An answer of a scripted service.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Json(Value),
    Refusal {
        status: u16,
        code: &'static str,
        message: &'static str,
    },
    /// No answer: the connection breaks.
    Broken,
    /// An answer whose body stops after its first byte, while the connection stays open.
    Stalled,
    /// An answer whose body ends too early.
    Cut,
    /// An answer that never comes, for calls that the test cancels.
    Silence,
}

/// A request that was sent. `at` is the time of the clock in milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) operation: String,
    pub(crate) host: String,
    pub(crate) body: Value,
    pub(crate) at: u64,
}

/// The service, with the requests that it received.
#[derive(Clone, Debug)]
pub(crate) struct Scripted {
    script: Arc<Mutex<VecDeque<(&'static str, Reply)>>>,
    sent: Arc<Mutex<Vec<Sent>>>,
    silent: Arc<AtomicBool>,
    date: Option<&'static str>,
    pub(crate) clock: Arc<ManualClock>,
}

impl Scripted {
    /// Returns a source of the stream `orders`, and a service with this script behind it.
    pub(crate) fn source(
        script: impl IntoIterator<Item = (&'static str, Reply)>,
    ) -> (KinesisSource, Self) {
        let (source, scripted) = Self::builder(script);
        (source.build().unwrap(), scripted)
    }

    /// Like [`Self::source`], but the answers have no date, as if a proxy removed it.
    pub(crate) fn undated(
        script: impl IntoIterator<Item = (&'static str, Reply)>,
    ) -> KinesisSource {
        let (_, mut scripted) = Self::builder(script);
        scripted.date = None;
        let env = Env::system().with_clock(scripted.clock.clone());
        scripted.setup(env).build().unwrap()
    }

    /// Like [`Self::source`], but returns the builder of the source.
    pub(crate) fn builder(
        script: impl IntoIterator<Item = (&'static str, Reply)>,
    ) -> (KinesisSourceBuilder, Self) {
        let (env, clock) = ManualClock::env();
        let scripted = Self {
            script: Arc::new(Mutex::new(script.into_iter().collect())),
            sent: Arc::default(),
            silent: Arc::default(),
            // The wall time at the origin of the clock.
            date: Some("Fri, 15 Jan 2027 08:00:00 GMT"),
            clock,
        };
        (scripted.setup(env), scripted)
    }

    fn setup(&self, env: Env) -> KinesisSourceBuilder {
        let config = aws_sdk_kinesis::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::for_tests())
            .retry_config(RetryConfig::disabled())
            .http_client(self.clone());
        KinesisSource::builder("orders").client_config(config).env(env)
    }

    /// The requests sent so far. Panics unless the whole script was played.
    pub(crate) fn played(&self) -> Vec<Sent> {
        let left = self.script.lock().unwrap();
        assert!(left.is_empty(), "not asked for: {left:?}");
        self.sent.lock().unwrap().clone()
    }

    /// The number of requests sent so far.
    pub(crate) fn sent_count(&self) -> usize {
        self.sent.lock().unwrap().len()
    }

    /// True if the last request waits for an answer that will never come.
    pub(crate) fn is_silent(&self) -> bool {
        self.silent.load(Ordering::Relaxed)
    }

    /// Adds to the script.
    pub(crate) fn then(&self, more: impl IntoIterator<Item = (&'static str, Reply)>) {
        self.script.lock().unwrap().extend(more);
    }

    fn reply(&self, request: &HttpRequest) -> Reply {
        let target = request.headers().get("x-amz-target").unwrap();
        let operation = target.rsplit('.').next().unwrap().to_owned();
        let body = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let next = self.script.lock().unwrap().pop_front();
        let (host, at) = (request.uri().to_owned(), self.clock.millis());
        let sent = Sent { operation: operation.clone(), host, body, at };
        self.sent.lock().unwrap().push(sent);
        match next {
            Some((expected, reply)) if expected == operation => reply,
            other => panic!("{operation} was called, but the script has {other:?}"),
        }
    }
}

/// A body that stops after its first byte.
#[derive(Debug, Default)]
struct Stalled {
    begun: bool,
}

impl Body for Stalled {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if std::mem::replace(&mut self.begun, true) {
            return Poll::Pending;
        }
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"{")))))
    }
}

pub(super) fn respond(
    reply: Reply,
    date: Option<&'static str>,
) -> Result<HttpResponse, ConnectorError> {
    let (status, body) = match reply {
        Reply::Json(body) => (200, SdkBody::from(body.to_string())),
        Reply::Refusal { status, code, message } => {
            (status, SdkBody::from(json!({ "__type": code, "message": message }).to_string()))
        }
        Reply::Cut => (200, SdkBody::from("{")),
        Reply::Stalled => (200, SdkBody::from_body_1_x(Stalled::default())),
        Reply::Broken | Reply::Silence => {
            return Err(ConnectorError::io("the connection broke".into()));
        }
    };
    let mut response = HttpResponse::new(status.try_into().unwrap(), body);
    if let Some(date) = date {
        response.headers_mut().insert("date", date);
    }
    Ok(response)
}

impl HttpConnector for Scripted {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let reply = self.reply(&request);
        self.silent.store(matches!(reply, Reply::Silence), Ordering::Relaxed);
        match reply {
            Reply::Silence => HttpConnectorFuture::new(std::future::pending()),
            reply => HttpConnectorFuture::ready(respond(reply, self.date)),
        }
    }
}

impl HttpClient for Scripted {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// The answer of `GetShardIterator`.
pub(crate) fn iterator(token: &str) -> (&'static str, Reply) {
    ("GetShardIterator", Reply::Json(json!({ "ShardIterator": token })))
}

/// A record with this number and payload. Its arrival time is the origin of the clock.
pub(crate) fn record_of(number: u64, data: &[u8]) -> Value {
    json!({
        "SequenceNumber": number.to_string(),
        "ApproximateArrivalTimestamp": WALL.as_millis() / 1_000,
        "Data": aws_smithy_types::base64::encode(data),
        "PartitionKey": "k",
    })
}

/// The answer of `GetRecords` with these records.
pub(crate) fn answer(records: &[Value], next: Option<&str>, behind: u64) -> (&'static str, Reply) {
    let mut body = json!({ "Records": records, "MillisBehindLatest": behind });
    if let Some(next) = next {
        body["NextShardIterator"] = next.into();
    }
    ("GetRecords", Reply::Json(body))
}

/// The answer of `GetRecords` with records of these numbers, each with its number as payload.
pub(crate) fn records(numbers: &[u64], next: Option<&str>, behind: u64) -> (&'static str, Reply) {
    let records: Vec<_> =
        numbers.iter().map(|number| record_of(*number, number.to_string().as_bytes())).collect();
    answer(&records, next, behind)
}

/// A refusal of any operation.
pub(crate) const fn refusal(
    operation: &'static str,
    status: u16,
    code: &'static str,
) -> (&'static str, Reply) {
    (operation, Reply::Refusal { status, code, message: "the service's message" })
}
