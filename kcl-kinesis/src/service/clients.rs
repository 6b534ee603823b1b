//! The SDK clients of a source, made from the user's configuration.

use std::{fmt, sync::Arc, time::Duration};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_kinesis::config::{Builder, retry::RetryConfig, timeout::TimeoutConfig};
use kcl_core::{env::Clock, stream::SourceErrorKind};

use super::{
    failure::Failure,
    pool::{Pool, http_client},
};

/// The origin of the clients' settings.
#[derive(Clone, Default)]
pub(crate) enum Configuration {
    /// The default chain: environment, profile, instance.
    #[default]
    Default,
    /// The user's configuration for all of AWS.
    Sdk(Box<SdkConfig>),
    /// The user's configuration of the Kinesis client.
    Kinesis(Box<Builder>),
}

/// Shows the variant only, since a configuration may hold credentials.
impl fmt::Debug for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "Default",
            Self::Sdk(_) => "Sdk",
            Self::Kinesis(_) => "Kinesis",
        })
    }
}

/// The builder's settings that take precedence over the configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    pub(crate) endpoint: Option<String>,
    pub(crate) region: Option<String>,
}

/// The two clients of a source: one for the worker's coordination and one for its readers. A
/// connection is driven by the runtime that opened it, and these two run on different runtimes, so
/// with a shared client one would wait for the other's runtime.
pub(super) struct Clients {
    /// Describes the stream and lists its shards. Retries as configured.
    pub(super) control: Pool,
    /// Reads records. Does not retry: the readers do, within the rate limits of their shard.
    pub(super) data: Pool,
}

/// The time-out of a call if the configuration has none. The largest answer, ten megabytes, arrives
/// in that time at 350 kB/s.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

const NO_REGION: &str = "no region is configured: set AWS_REGION, a region in the profile, \
    or the region of the source";

impl Clients {
    /// Loads the configuration, which may read files or call a credentials service, and makes the
    /// clients.
    pub(super) async fn load(
        configuration: Configuration,
        overrides: Overrides,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let region = overrides.region.map(Region::new);
        let builder = match configuration {
            Configuration::Default => {
                let mut loader = aws_config::defaults(BehaviorVersion::latest());
                if let Some(region) = region.clone() {
                    loader = loader.region(region);
                }
                let config = loader.http_client(http_client()).load().await;
                let mut builder = Builder::from(&config);
                // `http_client` above loads the credentials; each client gets an HTTP client of its
                // own.
                builder.set_http_client(None);
                builder
            }
            Configuration::Sdk(config) => Builder::from(&*config),
            Configuration::Kinesis(builder) => *builder,
        };
        Self::new(builder, region, overrides.endpoint, clock)
    }

    fn new(
        mut builder: Builder,
        region: Option<Region>,
        endpoint: Option<String>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        if let Some(region) = region {
            builder.set_region(Some(region));
        }
        if let Some(endpoint) = &endpoint {
            builder.set_endpoint_url(Some(endpoint.clone()));
        }
        let config = builder.clone().build();
        let Some(region) = config.region() else {
            return Err(Failure::new(SourceErrorKind::Misconfigured, NO_REGION));
        };
        let server = endpoint.unwrap_or_else(|| format!("Kinesis in {region}"));
        let mut timeouts = TimeoutConfig::builder().operation_attempt_timeout(CALL_TIMEOUT).build();
        if let Some(configured) = config.timeout_config() {
            let mut configured = configured.clone();
            timeouts = configured.take_defaults_from(&timeouts).clone();
        }
        let builder = builder.timeout_config(timeouts);
        let reading = builder.clone().retry_config(RetryConfig::disabled());
        Ok(Self {
            data: Pool::new(server.clone(), reading, Arc::clone(&clock)),
            control: Pool::new(server, builder, clock),
        })
    }
}
