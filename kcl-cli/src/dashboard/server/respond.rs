//! Makes answers. Every answer has the same headers that protect the page in a browser.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{Either, Full, channel::Channel};
use hyper::{
    Response, StatusCode,
    header::{
        ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
        REFERRER_POLICY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
    },
};
use serde::Serialize;
use serde_json::json;

use super::guard::Refusal;

/// The body of an answer: whole, or a stream of events.
pub(crate) type Body = Either<Full<Bytes>, Channel<Bytes, Infallible>>;

/// The content security policy. The page loads and calls this server only, makes no script from
/// text, and no other page can show it in a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

const JSON: &str = "application/json";
const NO_STORE: &str = "no-store";

/// A whole answer. `media` is its `Content-Type`, `caching` its `Cache-Control`.
pub(crate) fn whole(
    status: StatusCode,
    media: &'static str,
    caching: &'static str,
    body: impl Into<Bytes>,
) -> Response<Body> {
    headed(status, media, caching, Either::Left(Full::new(body.into())))
}

/// A value as JSON, which no cache may keep.
pub(crate) fn value(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    // Values consist of maps, arrays and texts, so that writing them as JSON cannot fail.
    whole(status, JSON, NO_STORE, serde_json::to_vec(value).unwrap_or_default())
}

/// A refusal as JSON: `{"error": …}`.
pub(crate) fn refusal(refusal: &Refusal) -> Response<Body> {
    let mut answer = value(refusal.status, &json!({ "error": refusal.says }));
    if refusal.status == StatusCode::UNAUTHORIZED {
        answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    answer
}

/// The answer 405: the path exists, and takes `methods` only.
pub(crate) fn other_method(methods: &'static str) -> Response<Body> {
    let says = format!("this is asked for by {methods}");
    let mut answer = refusal(&Refusal::new(StatusCode::METHOD_NOT_ALLOWED, says));
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    answer
}

/// A stream of server-sent events.
pub(crate) fn events(body: Channel<Bytes, Infallible>) -> Response<Body> {
    headed(StatusCode::OK, "text/event-stream", NO_STORE, Either::Right(body))
}

/// An answer with the headers that all answers have.
fn headed(
    status: StatusCode,
    media: &'static str,
    caching: &'static str,
    body: Body,
) -> Response<Body> {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = [
        (CONTENT_TYPE, media),
        (CACHE_CONTROL, caching),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, text) in headers {
        answer.headers_mut().insert(name, HeaderValue::from_static(text));
    }
    answer
}
