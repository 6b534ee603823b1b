//! An HTTP client between a Kinesis source and its server that answers some reads itself, with an
//! error or with an empty answer.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_kinesis::config::{
    HttpClient, RuntimeComponents, SharedHttpClient,
    http::{HttpRequest, HttpResponse},
};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_types::body::SdkBody;
use kcl_core::conformance::sources::Trouble;

/// The HTTP client. Clones share the answers that a test has ordered.
#[derive(Clone, Debug)]
pub(super) struct Meddler {
    inner: SharedHttpClient,
    /// The kind of the next answers, and how many are left.
    trouble: Arc<Mutex<Option<(Trouble, u32)>>>,
}

/// A connector of the SDK that asks the client first.
#[derive(Debug)]
struct Way {
    meddler: Meddler,
    inner: SharedHttpConnector,
}

impl Meddler {
    pub(super) fn new() -> Self {
        let inner = aws_smithy_http_client::Builder::new().build_http();
        Self { inner, trouble: Arc::default() }
    }

    /// Answers the next `reads` reads with this trouble.
    pub(super) fn trouble(&self, trouble: Trouble, reads: u32) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some((trouble, reads));
    }

    /// The answer to a request; `None` if the request goes to the server.
    fn answer(&self, request: &HttpRequest) -> Option<HttpResponse> {
        if !request.headers().get("x-amz-target")?.ends_with(".GetRecords") {
            return None;
        }
        let trouble = {
            let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
            let (kind, left) = trouble.take()?;
            *trouble = Some((kind, left - 1)).filter(|(_, left)| *left > 0);
            kind
        };
        let (status, body) = match trouble {
            Trouble::Throttled => (400, refusal("ProvisionedThroughputExceededException")),
            Trouble::Expired => (400, refusal("ExpiredIteratorException")),
            Trouble::Blank => (200, r#"{"Records":[],"MillisBehindLatest":5000}"#.to_owned()),
            _ => (500, refusal("InternalFailure")),
        };
        Some(HttpResponse::new(status.try_into().ok()?, SdkBody::from(body)))
    }
}

fn refusal(code: &str) -> String {
    format!(r#"{{"__type":"{code}","message":"put there on purpose"}}"#)
}

impl HttpConnector for Way {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match self.meddler.answer(&request) {
            Some(answer) => HttpConnectorFuture::ready(Ok(answer)),
            None => self.inner.call(request),
        }
    }
}

impl HttpClient for Meddler {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Way { meddler: self.clone(), inner })
    }
}
