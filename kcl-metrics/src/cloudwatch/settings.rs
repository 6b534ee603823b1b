//! What is sent where, and how often.

use std::{fmt, time::Duration};

use aws_config::SdkConfig;

/// By which names figures are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Names {
    /// Those of docs/METRICS.md.
    #[default]
    Ours,
    /// Those of the Java KCL, in its namespace and with its dimensions: dashboards and alarms made
    /// for it go on.
    Kcl,
}

/// How much is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Level {
    /// Nothing by shard; of the Java KCL's, its level `SUMMARY`, which has shards.
    #[default]
    Summary,
    /// Everything: each shard is a dozen of metrics that CloudWatch charges for.
    Detailed,
}

/// What is sent where, and how often.
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

/// A setting that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CloudWatchError {
    /// CloudWatch takes no such namespace.
    #[error(
        "{0:?} is no namespace of CloudWatch: give 1 to 255 letters, digits or any of . - _ / # : \
         that do not begin with AWS/ (by default it is KCL, or by the Java KCL's names the \
         application's name)"
    )]
    Namespace(String),
    /// Too short, or too long.
    #[error("metrics cannot be sent every {0:?}: give a period from 1s to 1h, like 60s")]
    Period(Duration),
    /// Not a URL that can be called.
    #[error("{0:?} is no endpoint: give a URL like https://monitoring.eu-west-1.amazonaws.com")]
    Endpoint(String),
    /// The operating system gives no thread.
    #[error("there is no thread to send metrics from: {0}")]
    Thread(String),
}

/// Where figures by names of ours go unless somebody says otherwise.
const NAMESPACE: &str = "KCL";
const LONGEST_NAMESPACE: usize = 255;
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(3_600);

impl CloudWatchSettings {
    /// Figures of a worker of this application: by names of ours, without shards, every minute;
    /// region, credentials and endpoint as the AWS SDK finds them.
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

    /// By which names.
    #[must_use]
    pub const fn names(mut self, names: Names) -> Self {
        self.names = names;
        self
    }

    /// How much.
    #[must_use]
    pub const fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Into which namespace; by default `KCL`, and by the Java KCL's names the application's name.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// How often, from a second to an hour.
    #[must_use]
    pub const fn period(mut self, period: Duration) -> Self {
        self.period = period;
        self
    }

    /// The region.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Where CloudWatch is, if not at AWS.
    #[must_use]
    pub fn endpoint_url(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// An SDK configuration of yours, like one with an assumed role. Region and endpoint that are
    /// given here are stronger. Retries and time-outs stay this exporter's.
    #[must_use]
    pub fn sdk_config(mut self, config: &SdkConfig) -> Self {
        self.sdk_config = Some(config.clone());
        self
    }

    /// Into which namespace figures go.
    pub(super) fn sent_into(&self) -> &str {
        let by_names = match self.names {
            Names::Ours => NAMESPACE,
            Names::Kcl => &self.application,
        };
        self.namespace.as_deref().unwrap_or(by_names)
    }

    /// # Errors
    /// A setting that cannot work.
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

/// Shows no secret.
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
