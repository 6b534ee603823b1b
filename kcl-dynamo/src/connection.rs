//! The client, made where it is used.

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::{
    Client,
    config::{Builder, Region, retry::RetryConfig, timeout::TimeoutConfig},
};
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use tokio::sync::OnceCell;

use crate::clock::ServerClock;

/// What a client is made from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// Region and credentials as the SDK finds them.
    Environment,
    /// What the user configured.
    Config(Box<Builder>),
}

/// A client that does not exist before its first use.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) source: Source,
    pub(crate) endpoint: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) timeout: Duration,
    pub(crate) clock: ServerClock,
    pub(crate) client: OnceCell<Client>,
}

impl Connection {
    /// Where DynamoDB is, as far as that was set up: like ` at http://127.0.0.1:8000`.
    pub(crate) fn place(&self) -> String {
        match (&self.endpoint, &self.region) {
            (Some(endpoint), _) => format!(" at {endpoint}"),
            (None, Some(region)) => format!(" in {region}"),
            (None, None) => String::new(),
        }
    }

    /// The client. The first call makes it; its connections stay with the caller's runtime.
    pub(crate) async fn client(&self) -> &Client {
        self.client.get_or_init(|| self.connect()).await
    }

    async fn connect(&self) -> Client {
        // The newest as of writing. A later one could change what an error looks like.
        let version = BehaviorVersion::v2026_01_12();
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let config = match &self.source {
            Source::Config(config) => config.as_ref().clone(),
            Source::Environment => {
                let loader = aws_config::defaults(version).http_client(http.clone());
                Builder::from(&loader.load().await)
            }
        };
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(self.timeout / 2)
            .operation_timeout(self.timeout)
            .build();
        let mut config = config
            .behavior_version(version)
            .http_client(http)
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .interceptor(self.clock.clone());
        if let Some(endpoint) = &self.endpoint {
            config = config.endpoint_url(endpoint);
        }
        if let Some(region) = &self.region {
            config = config.region(Region::new(region.clone()));
        }
        Client::from_conf(config.build())
    }
}
