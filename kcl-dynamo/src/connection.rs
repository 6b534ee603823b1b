//! The SDK client: made by the first operation, and replaced when its connections are silent.
//!
//! If the machine behind a resolved address is gone, the SDK's pool of connections does not notice:
//! each connection would be tried in turn until its timeout. When calls have been under way for
//! [`LONGEST_SILENCE`] without an answer to any, the next call therefore makes a new client, whose
//! connections resolve the host name again.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::{
    Client,
    config::{Builder, Region, SharedHttpClient, retry::RetryConfig, timeout::TimeoutConfig},
};
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use kcl_core::env::Env;
use tokio::sync::OnceCell;

use crate::{clock::ServerClock, silence::Silence};

/// The origin of the client's configuration.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// Region and credentials from the environment, as the SDK finds them.
    Environment,
    /// The configuration of the user.
    Config(Box<Builder>),
}

/// The longest time for which calls may be under way without an answer to any. It is at most half
/// of the operation timeout.
const LONGEST_SILENCE: Duration = Duration::from_secs(1);

/// The client and the settings from which it is made.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) source: Source,
    pub(crate) endpoint: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) timeout: Duration,
    pub(crate) clock: ServerClock,
    pub(crate) clients: Clients,
}

/// The present client, and the configuration that all clients share.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    /// The complete configuration, loaded by the first operation.
    config: OnceCell<Builder>,
    /// The present client, and the time for which it has had no answer.
    current: Mutex<Option<(Client, Silence)>>,
}

impl Connection {
    /// The endpoint or region for messages, such as ` at http://127.0.0.1:8000`; empty if neither
    /// is set.
    pub(crate) fn place(&self) -> String {
        match (&self.endpoint, &self.region) {
            (Some(endpoint), _) => format!(" at {endpoint}"),
            (None, Some(region)) => format!(" in {region}"),
            (None, None) => String::new(),
        }
    }

    /// The client; a new one if the present one is silent. Its connections belong to the caller's
    /// runtime.
    pub(crate) async fn client(&self) -> Client {
        let config = self.clients.config.get_or_init(|| self.configure()).await;
        let now = Env::system().clock.now();
        let limit = LONGEST_SILENCE.min(self.timeout / 2);
        let mut current = self.clients.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((client, silence)) = &*current {
            if !silence.lasts(now, limit) {
                return client.clone();
            }
            tracing::warn!(server = self.place().trim(), why = "no answer", "kcl.store.left");
        }
        let silence = Silence::default();
        let config = config.clone().http_client(https()).interceptor(silence.clone());
        let client = Client::from_conf(config.build());
        *current = Some((client.clone(), silence));
        client
    }

    /// Loads the configuration. Turns off retries: each conditional write is sent once.
    async fn configure(&self) -> Builder {
        // Fixed, because another version may change the form of errors.
        let version = BehaviorVersion::v2026_01_12();
        let config = match &self.source {
            Source::Config(config) => config.as_ref().clone(),
            Source::Environment => {
                let loader = aws_config::defaults(version).http_client(https());
                Builder::from(&loader.load().await)
            }
        };
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(self.timeout / 2)
            .operation_timeout(self.timeout)
            .build();
        let mut config = config
            .behavior_version(version)
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .interceptor(self.clock.clone());
        if let Some(endpoint) = &self.endpoint {
            config = config.endpoint_url(endpoint);
        }
        if let Some(region) = &self.region {
            config = config.region(Region::new(region.clone()));
        }
        config
    }
}

/// An HTTP client with connections of its own. Each connection resolves the host name.
fn https() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .build_https()
}
