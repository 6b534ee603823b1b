//! Answers, with the headers that each has.

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

/// What an answer holds: all of it, or what comes bit by bit.
pub(crate) type Body = Either<Full<Bytes>, Channel<Bytes, Infallible>>;

/// Nothing but what is served here is loaded or asked, no script is made of text, and no other page
/// shows this one inside of it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

const JSON: &str = "application/json";
const NO_STORE: &str = "no-store";

/// An answer of this kind, with what protects it.
pub(crate) fn whole(
    status: StatusCode,
    media: &'static str,
    caching: &'static str,
    body: impl Into<Bytes>,
) -> Response<Body> {
    headed(status, media, caching, Either::Left(Full::new(body.into())))
}

/// A value as JSON.
pub(crate) fn value(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    // Plain maps and arrays of JSON are always JSON.
    whole(status, JSON, NO_STORE, serde_json::to_vec(value).unwrap_or_default())
}

/// What says what went wrong.
pub(crate) fn refusal(refusal: &Refusal) -> Response<Body> {
    let mut answer = value(refusal.status, &json!({ "error": refusal.says }));
    if refusal.status == StatusCode::UNAUTHORIZED {
        answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    answer
}

/// It is asked for by these methods.
pub(crate) fn other_method(methods: &'static str) -> Response<Body> {
    let says = format!("this is asked for by {methods}");
    let mut answer = refusal(&Refusal::new(StatusCode::METHOD_NOT_ALLOWED, says));
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    answer
}

/// Events, as they come.
pub(crate) fn events(body: Channel<Bytes, Infallible>) -> Response<Body> {
    headed(StatusCode::OK, "text/event-stream", NO_STORE, Either::Right(body))
}

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
