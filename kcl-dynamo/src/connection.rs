//! The client, made where it is used, and made anew when its connections bring no answers.

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

/// What a client is made from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// Region and credentials as the SDK finds them.
    Environment,
    /// What the user configured.
    Config(Box<Builder>),
}

/// The longest that calls may be under way without an answer to any before the connections are
/// left.
const LONGEST_SILENCE: Duration = Duration::from_secs(1);

/// A client that does not exist before its first use.
///
/// Of a machine that is gone, the client's pool of connections learns nothing: each of them would
/// be tried in turn, for as long as a call may take. So where no answer comes the whole pool is
/// left, and where the address leads is asked anew.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) source: Source,
    pub(crate) endpoint: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) timeout: Duration,
    pub(crate) clock: ServerClock,
    pub(crate) clients: Clients,
}

/// What clients are made from once it is known, and the one in use.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    config: OnceCell<Builder>,
    current: Mutex<Option<(Client, Silence)>>,
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

    /// The client. Its connections stay with the runtime of those who call.
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

    async fn configure(&self) -> Builder {
        // The newest as of writing. A later one could change what an error looks like.
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

/// An HTTP client with connections of its own. Each of them looks the host up.
fn https() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .build_https()
}
