//! The settings of metrics: where they are served, and what is sent to CloudWatch. The doc comments
//! of the fields are the text of `docs/CONFIGURATION.md`.

use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where CloudWatch is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cloudwatch {
    /// Where CloudWatch is; stronger than `aws.endpoint`.
    pub endpoint: Option<String>,
    /// Where credentials for it are from; stronger than those of `aws`.
    pub credentials: Option<String>,
}

/// The metrics of `kcl consume`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// Where `/metrics`, `/livez` and `/readyz` are served: a port, or an IP address with a port.
    /// A port may be written as a number.
    pub listen: Option<Value>,
    /// The metrics that are sent to CloudWatch.
    pub cloudwatch: CloudwatchMetrics,
}

/// The metrics that are sent to CloudWatch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CloudwatchMetrics {
    /// Whether metrics are sent.
    pub enabled: bool,
    /// The names of the metrics.
    pub names: CloudwatchNames,
    /// The level of detail.
    pub level: Level,
    /// The namespace; default: `KCL`, or with the Java KCL's names the application's name.
    pub namespace: Option<String>,
    /// The interval between two calls.
    #[serde(with = "humantime_serde")]
    pub period: Duration,
}

/// The names of the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum CloudwatchNames {
    /// The names of docs/METRICS.md.
    #[default]
    Ours,
    /// The names of the Java KCL, in its namespace and with its dimensions.
    Kcl,
}

/// The level of detail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// No metric by shard; with the Java KCL's names, its level SUMMARY.
    #[default]
    Summary,
    /// Every metric.
    Detailed,
}

impl Default for CloudwatchMetrics {
    fn default() -> Self {
        let period = Duration::from_secs(60);
        let (names, level) = (CloudwatchNames::default(), Level::default());
        Self { enabled: false, names, level, namespace: None, period }
    }
}
