//! Answers one request of a scraper or a probe.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue},
};

use crate::{Format, Metrics};

const TEXT: &str = "text/plain; charset=utf-8";
const PATHS: &str = "there are /metrics, /livez and /readyz\n";

/// The answer to a request. It never repeats a part of the request.
pub(super) fn answer<B>(request: &Request<B>, metrics: &Metrics) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refusal = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered\n");
        refusal.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refusal;
    }
    match request.uri().path() {
        "/metrics" => {
            let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
            let format = Format::accepted(accept.unwrap_or_default());
            response(StatusCode::OK, format.content_type(), metrics.text(format))
        }
        "/livez" if metrics.health().alive => text(StatusCode::OK, "alive\n"),
        "/livez" => unwell("the thread that keeps the worker's session alive stands still\n"),
        "/readyz" if metrics.health().ready => text(StatusCode::OK, "ready\n"),
        "/readyz" => unwell("the worker has not joined its fleet yet, or leaves it\n"),
        _ => text(StatusCode::NOT_FOUND, PATHS),
    }
}

/// The answer of a failed probe, with the reason.
fn unwell(why: &'static str) -> Response<Full<Bytes>> {
    text(StatusCode::SERVICE_UNAVAILABLE, why)
}

fn text(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    response(status, TEXT, body)
}

fn response(
    status: StatusCode,
    media: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
