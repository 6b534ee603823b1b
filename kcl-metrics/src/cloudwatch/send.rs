//! Sends one request, and decides after a failure whether to send it again.

use std::time::Duration;

use aws_config::{BehaviorVersion, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_cloudwatch::{
    Client,
    config::{Builder, Region, http::HttpResponse},
    error::SdkError,
    operation::put_metric_data::PutMetricDataError,
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use super::{
    settings::CloudWatchSettings,
    wire::{AsQuery, Batch},
};

/// How long a connection may take to open, and a whole call.
const CONNECT: Duration = Duration::from_secs(3);
const CALL: Duration = Duration::from_secs(10);

/// The result of a request. The texts hold the reason.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// CloudWatch has taken the data.
    Taken,
    /// CloudWatch refuses the request, and would refuse it again.
    Refused(String),
    /// The same request may succeed later: CloudWatch did not answer, or throttled.
    Later(String),
}

/// A client for these settings. Region and credentials that they lack are found as the AWS SDK
/// finds them.
pub(super) async fn client(settings: &CloudWatchSettings) -> Client {
    let https = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let mut config = match &settings.sdk_config {
        Some(config) if config.credentials_provider().is_some() && config.region().is_some() => {
            Builder::from(config)
        }
        given => {
            let mut loader = aws_config::defaults(BehaviorVersion::latest());
            loader = loader.http_client(https.clone());
            if let Some(region) = &settings.region {
                loader = loader.region(Region::new(region.clone()));
            }
            if let Some(credentials) = given.as_ref().and_then(|it| it.credentials_provider()) {
                loader = loader.credentials_provider(credentials);
            }
            Builder::from(&loader.load().await)
        }
    };
    let timeouts =
        TimeoutConfig::builder().connect_timeout(CONNECT).operation_timeout(CALL).build();
    // The queue repeats failed requests, and `AsQuery` sends a body of its own, compressed.
    config = config
        .http_client(https)
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .disable_request_compression(true);
    if let Some(endpoint) = &settings.endpoint {
        config = config.endpoint_url(endpoint);
    }
    if let Some(region) = &settings.region {
        config = config.region(Region::new(region.clone()));
    }
    Client::from_conf(config.build())
}

/// Sends a request once.
pub(super) async fn put(client: &Client, namespace: &str, batch: &Batch) -> Outcome {
    let call = client.put_metric_data().namespace(namespace).customize();
    match call.interceptor(AsQuery(batch.body.clone())).send().await {
        Ok(_) => Outcome::Taken,
        Err(error) => judged(&error),
    }
}

/// The result of a failed call. The answer is read here, because it is in the query protocol, which
/// the SDK's own parser does not expect.
fn judged(error: &SdkError<PutMetricDataError, HttpResponse>) -> Outcome {
    let Some(answer) = error.raw_response() else {
        return Outcome::Later(kcl_core::explain(error));
    };
    let status = answer.status().as_u16();
    let body = String::from_utf8_lossy(answer.body().bytes().unwrap_or_default());
    let part = |name: &str| {
        let rest = body.split_once(&format!("<{name}>"))?.1;
        Some(rest.split_once('<')?.0.to_owned())
    };
    let code = part("Code").unwrap_or_default();
    let why = match part("Message") {
        Some(message) => format!("{code}: {message} (status {status})"),
        None => format!("{code} (status {status})"),
    };
    if is_for_later(status, &code) { Outcome::Later(why) } else { Outcome::Refused(why) }
}

/// Whether the same request may succeed later.
fn is_for_later(status: u16, code: &str) -> bool {
    const LATER: [&str; 6] = [
        "Throttling",
        "ThrottlingException",
        "RequestLimitExceeded",
        "ExpiredToken",
        "RequestExpired",
        "ServiceUnavailable",
    ];
    status >= 500 || status == 429 || LATER.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_comes_again_and_what_is_wrong_does_not() {
        for (status, code) in [(400, "Throttling"), (503, ""), (429, ""), (403, "ExpiredToken")] {
            assert!(is_for_later(status, code), "{status} {code}");
        }
        for (status, code) in [(403, "AccessDenied"), (400, "InvalidParameterValue"), (404, "")] {
            assert!(!is_for_later(status, code), "{status} {code}");
        }
    }
}
