//! The SDK clients a source calls through.

use std::{fmt, sync::Arc, time::Duration};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_kinesis::config::{Builder, retry::RetryConfig, timeout::TimeoutConfig};
use kcl_core::{env::Clock, stream::SourceErrorKind};

use super::{
    failure::Failure,
    pool::{Pool, http_client},
};

/// Where the clients' settings come from.
#[derive(Clone, Default)]
pub(crate) enum Configuration {
    /// The default chain: environment, profile, instance.
    #[default]
    Default,
    /// What the user loaded for all of AWS.
    Sdk(Box<SdkConfig>),
    /// What the user made for Kinesis alone.
    Kinesis(Box<Builder>),
}

/// Shows nothing: a configuration may hold credentials.
impl fmt::Debug for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "Default",
            Self::Sdk(_) => "Sdk",
            Self::Kinesis(_) => "Kinesis",
        })
    }
}

/// What overrides the configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    pub(crate) endpoint: Option<String>,
    pub(crate) region: Option<String>,
}

/// Two clients, because a connection is driven by the runtime that opened it: one for the worker's
/// coordination, another for its readers, so that neither waits for the other's.
pub(super) struct Clients {
    /// Describes and lists. Retries as configured.
    pub(super) control: Pool,
    /// Reads. Never retries by itself: readers keep to the rate limits of their shard, and know
    /// better what to repeat.
    pub(super) data: Pool,
}

/// How long a call may take before it counts as lost, unless the configuration says otherwise. Ten
/// megabytes, the largest answer, arrive in that time at 350 kB/s.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

const NO_REGION: &str = "no region is configured: set AWS_REGION, a region in the profile, \
    or the region of the source";

impl Clients {
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
                // That one is for credentials; each client gets its own.
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
