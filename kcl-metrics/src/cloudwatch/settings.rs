//! The settings of the exporter to CloudWatch.

use std::{fmt, time::Duration};

use aws_config::SdkConfig;

/// The names under which metrics are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Names {
    /// The names of docs/METRICS.md.
    #[default]
    Ours,
    /// The names of the Java KCL, in its namespace and with its dimensions: dashboards and alarms
    /// that were made for it keep working.
    Kcl,
}

/// How detailed the sent metrics are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Level {
    /// The shards of a stream are sent as one: counters and histograms as their sum, gauges as the
    /// largest value. With the names of the Java KCL: its level `SUMMARY`, which has single shards.
    #[default]
    Summary,
    /// All metrics. Each shard has about a dozen, and CloudWatch charges for each.
    Detailed,
}

/// The settings of the exporter. [`CloudWatch::start`](crate::CloudWatch::start) checks them.
#[derive(Clone)]
pub struct CloudWatchSettings {
    pub(super) application: String,
    pub(super) names: Names,
    pub(super) level: Level,
    pub(super) namespace: Option<String>,
    pub(super) period: Duration,
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
    pub(super) sdk_config: Option<SdkConfig>,
}

/// Why an exporter cannot start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CloudWatchError {
    /// The namespace is not allowed by CloudWatch. Holds it.
    #[error(
        "{0:?} is no namespace of CloudWatch: give 1 to 255 letters, digits or any of . - _ / # : \
         that do not begin with AWS/ (by default it is KCL, or by the Java KCL's names the \
         application's name)"
    )]
    Namespace(String),
    /// The period is shorter than a second or longer than an hour. Holds it.
    #[error("metrics cannot be sent every {0:?}: give a period from 1s to 1h, like 60s")]
    Period(Duration),
    /// The endpoint is no URL that can be called. Holds it.
    #[error("{0:?} is no endpoint: give a URL like https://monitoring.eu-west-1.amazonaws.com")]
    Endpoint(String),
    /// The operating system gives no thread. Holds the reason.
    #[error("there is no thread to send metrics from: {0}")]
    Thread(String),
}

/// The default namespace of [`Names::Ours`].
const NAMESPACE: &str = "KCL";
/// The service's limit, `PutMetricData`.
const LONGEST_NAMESPACE: usize = 255;
/// The shortest and the longest period: a choice of this library.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(3_600);

impl CloudWatchSettings {
    /// The defaults for a worker of this application: [`Names::Ours`], [`Level::Summary`], a period
    /// of one minute, and region, credentials and endpoint as the AWS SDK finds them.
    #[must_use]
    pub fn new(application: impl Into<String>) -> Self {
        Self {
            application: application.into(),
            names: Names::default(),
            level: Level::default(),
            namespace: None,
            period: Duration::from_secs(60),
            region: None,
            endpoint: None,
            sdk_config: None,
        }
    }

    /// Sets the names under which metrics are sent.
    #[must_use]
    pub const fn names(mut self, names: Names) -> Self {
        self.names = names;
        self
    }

    /// Sets how detailed the metrics are.
    #[must_use]
    pub const fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Sets the namespace. Default: `KCL`; with [`Names::Kcl`] the application's name, as in the
    /// Java KCL.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Sets how often data are sent: every second to every hour.
    #[must_use]
    pub const fn period(mut self, period: Duration) -> Self {
        self.period = period;
        self
    }

    /// Sets the AWS region, like `eu-west-1`.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Sets the address of CloudWatch, for example of a test server.
    #[must_use]
    pub fn endpoint_url(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Sets a configuration of the AWS SDK, for example with an assumed role. [`Self::region`] and
    /// [`Self::endpoint_url`] take precedence over it. Its retries and timeouts are ignored.
    #[must_use]
    pub fn sdk_config(mut self, config: &SdkConfig) -> Self {
        self.sdk_config = Some(config.clone());
        self
    }

    /// The namespace that data are sent to.
    pub(super) fn sent_into(&self) -> &str {
        let by_names = match self.names {
            Names::Ours => NAMESPACE,
            Names::Kcl => &self.application,
        };
        self.namespace.as_deref().unwrap_or(by_names)
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// The first setting that is invalid.
    pub(super) fn check(&self) -> Result<(), CloudWatchError> {
        let namespace = self.sent_into();
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || ".-_/#:".contains(c);
        let is_namespace = (1..=LONGEST_NAMESPACE).contains(&namespace.len())
            && namespace.chars().all(is_allowed)
            && !namespace.starts_with("AWS/");
        if !is_namespace {
            return Err(CloudWatchError::Namespace(namespace.to_owned()));
        }
        if !(SHORTEST..=LONGEST).contains(&self.period) {
            return Err(CloudWatchError::Period(self.period));
        }
        let is_url = |url: &&String| {
            let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
            rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', ':']))
                && !url.contains(char::is_whitespace)
        };
        match self.endpoint.as_ref().filter(|url| !is_url(url)) {
            Some(endpoint) => Err(CloudWatchError::Endpoint(endpoint.clone())),
            None => Ok(()),
        }
    }
}

/// Leaves out the SDK's configuration, which may hold secrets.
impl fmt::Debug for CloudWatchSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudWatchSettings")
            .field("namespace", &self.sent_into())
            .field("names", &self.names)
            .field("level", &self.level)
            .field("period", &self.period)
            .field("region", &self.region)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}
