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

/// What `kcl consume` tells of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// Where `/metrics`, `/livez` and `/readyz` are served: a port, or an IP address with a port.
    /// A port may be written as a number.
    pub listen: Option<Value>,
    /// What CloudWatch is sent.
    pub cloudwatch: CloudwatchMetrics,
}

/// What CloudWatch is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CloudwatchMetrics {
    /// Whether it is sent anything.
    pub enabled: bool,
    /// By which names.
    pub names: CloudwatchNames,
    /// How much.
    pub level: Level,
    /// Into which namespace; default: `KCL`, or by the Java KCL's names the application's.
    pub namespace: Option<String>,
    /// How often.
    #[serde(with = "humantime_serde")]
    pub period: Duration,
}

/// By which names metrics are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum CloudwatchNames {
    /// Those of docs/METRICS.md.
    #[default]
    Ours,
    /// Those of the Java KCL, in its namespace and with its dimensions.
    Kcl,
}

/// How much is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing by shard; by the Java KCL's names, its level SUMMARY.
    #[default]
    Summary,
    /// Everything.
    Detailed,
}

impl Default for CloudwatchMetrics {
    fn default() -> Self {
        let period = Duration::from_secs(60);
        let (names, level) = (CloudwatchNames::default(), Level::default());
        Self { enabled: false, names, level, namespace: None, period }
    }
}
