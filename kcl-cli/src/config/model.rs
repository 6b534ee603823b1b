//! The settings as one value, [`Config`]. The structs have the shape of the settings file, and the
//! doc comments of their fields are the text of `docs/CONFIGURATION.md`.

use std::{fmt, net::SocketAddr, time::Duration};

use anyhow::{Context, bail};
use kcl_core::settings::{Coordination, Delivery, Settings};
use kcl_kinesis::StreamName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    metrics::{Cloudwatch, Metrics},
    profile::Profile,
};

/// The path of the setting for the start of reading.
pub(super) const START: &str = "coordination.initial_position";

/// Every setting of the command.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Region, credentials and endpoint for all of AWS.
    pub aws: Aws,
    /// The stream.
    pub kinesis: Kinesis,
    /// The lease table, if leases are kept in one.
    pub dynamodb: Dynamodb,
    /// CloudWatch, if metrics are sent there.
    pub cloudwatch: Cloudwatch,
    /// Where leases are kept: `dynamodb`, `dynamodb://TABLE`, `postgres://…`, `redis://…`,
    /// `memory:`. It may hold a password.
    pub store: Option<String>,
    /// The settings of `kcl produce`.
    pub producer: Producer,
    /// The settings of `kcl consume`.
    pub consumer: Consumer,
    /// The metrics of `kcl consume`.
    pub metrics: Metrics,
    /// The times that `coordination` starts from.
    pub profile: Profile,
    /// The rules by which workers share the shards.
    pub coordination: Coordination,
    /// The delivery of records to the processor.
    pub delivery: Delivery,
}

/// Region, credentials and endpoint for all of AWS. The AWS SDK looks for those that are absent.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Aws {
    /// The region.
    pub region: Option<String>,
    /// Where services are, if not at AWS.
    pub endpoint: Option<String>,
    /// An access key. Better leave it to the environment or the machine's role.
    pub access_key: Option<String>,
    /// Its secret.
    pub secret_key: Option<String>,
    /// Where credentials are from: `default`, `environment`, `instance`, `container`,
    /// `web-identity`, `profile/NAME` or `assume-role/ARN?session=NAME`, or several of them by
    /// commas, of which the first that has any counts.
    pub credentials: Option<String>,
}

/// The stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Kinesis {
    /// Its name or ARN.
    pub stream_name: Option<String>,
    /// Where Kinesis is; stronger than `aws.endpoint`.
    pub endpoint: Option<String>,
}

/// The lease table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dynamodb {
    /// Where DynamoDB is; stronger than `aws.endpoint`.
    pub endpoint: Option<String>,
    /// Where credentials for it are from; stronger than those of `aws`.
    pub credentials: Option<String>,
}

/// The settings of `kcl produce`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Producer {
    /// Records per call: 1 to 500.
    pub batch_size: usize,
    /// The pause after each call, in milliseconds.
    pub batch_delay_ms: u64,
    /// The number of records; without it, or with 0, the producer runs until it is stopped.
    pub total_messages: Option<u64>,
}

/// The settings of `kcl consume`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Consumer {
    /// The part that decides which worker reads a shard.
    pub assignment_mode: AssignmentMode,
    /// The consumer group: workers of one name share the stream.
    pub application_name: Option<String>,
    /// This worker's name among them.
    pub worker_id: Option<String>,
    /// The largest number of records of a read: 1 to 10,000.
    pub max_records: Option<usize>,
    /// Whether an empty batch is delivered if a read returned no record.
    pub call_process_records_even_for_empty_list: bool,
    /// The time between two reads of a shard without new records, in milliseconds.
    pub poll_interval_ms: Option<u64>,
    /// Shards and the workers that read them: `{shardId-…: worker-1}`, or a text of `shard:worker`
    /// pairs. A worker with a question mark behind it is preferred, else required.
    pub shard_mapping: Option<Value>,
    /// The file to which records that are skipped are added, as lines of JSON.
    pub dead_letter: Option<String>,
}

/// The part that decides which worker reads a shard that no placement rule covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AssignmentMode {
    /// The fleet: shards that no placement rule covers are balanced.
    #[default]
    Kcl,
    /// A mapping of shards to workers: nobody reads the shards that no placement rule covers.
    Manual,
}

impl Default for Producer {
    fn default() -> Self {
        Self { batch_size: 100, batch_delay_ms: 1_000, total_messages: None }
    }
}

/// Leaves out the store's address, which may hold a password.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("aws", &self.aws)
            .field("kinesis", &self.kinesis)
            .field("dynamodb", &self.dynamodb)
            .field("cloudwatch", &self.cloudwatch)
            .field("producer", &self.producer)
            .field("consumer", &self.consumer)
            .field("metrics", &self.metrics)
            .field("profile", &self.profile)
            .field("coordination", &self.coordination)
            .field("delivery", &self.delivery)
            .finish_non_exhaustive()
    }
}

/// Leaves out the access key and its secret.
impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws")
            .field("region", &self.region)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// The stream that the settings name.
    ///
    /// # Errors
    /// The settings name no stream, or the name is invalid.
    pub fn stream(&self) -> anyhow::Result<StreamName> {
        let text = self.kinesis.stream_name.as_deref().context(
            "no stream is named: give --stream, STREAM_NAME or `kinesis: {stream_name: …}`",
        )?;
        Ok(text.parse()?)
    }

    /// The region of the stream: that of its ARN, else `aws.region`; `None` if the settings have
    /// neither.
    ///
    /// # Errors
    /// As [`Self::stream`].
    pub fn kinesis_region(&self) -> anyhow::Result<Option<String>> {
        let of_stream = self.stream()?.region().map(str::to_owned);
        Ok(of_stream.or_else(|| self.aws.region.clone()))
    }

    /// Checks `--region` against the stream's ARN, for a command that uses the region for nothing
    /// else: it would be ignored silently.
    ///
    /// # Errors
    /// The stream is given by an ARN of another region.
    pub fn refuse_other_region(&self, asked: Option<&str>) -> anyhow::Result<()> {
        let stream = self.stream()?;
        match (stream.region(), asked) {
            (Some(there), Some(asked)) if there != asked => bail!(
                "--region {asked} contradicts --stream {stream}, which is in {there}: leave \
                 --region out, or name the stream in {asked}"
            ),
            _ => Ok(()),
        }
    }

    /// The application's name.
    ///
    /// # Errors
    /// The settings name no application.
    pub fn application(&self) -> anyhow::Result<&str> {
        self.consumer.application_name.as_deref().context(
            "no application is named: give --app, APP_NAME or `consumer: {application_name: …}`",
        )
    }

    /// The time between two reads of a shard that has nothing new.
    #[must_use]
    pub fn poll_interval(&self) -> Option<Duration> {
        self.consumer.poll_interval_ms.map(Duration::from_millis)
    }

    /// The endpoint of Kinesis; `None` for that of AWS.
    #[must_use]
    pub fn kinesis_endpoint(&self) -> Option<&str> {
        self.kinesis.endpoint.as_deref().or(self.aws.endpoint.as_deref())
    }

    /// The endpoint of DynamoDB; `None` for that of AWS.
    #[must_use]
    pub fn dynamodb_endpoint(&self) -> Option<&str> {
        self.dynamodb.endpoint.as_deref().or(self.aws.endpoint.as_deref())
    }

    /// The endpoint of CloudWatch; `None` for that of AWS.
    #[must_use]
    pub fn cloudwatch_endpoint(&self) -> Option<&str> {
        self.cloudwatch.endpoint.as_deref().or(self.aws.endpoint.as_deref())
    }

    /// The address on which metrics and probes are served; `None` if they are not.
    ///
    /// # Errors
    /// The setting is no address.
    pub fn metrics_address(&self) -> anyhow::Result<Option<SocketAddr>> {
        let parse = |listen: &Value| {
            let text = listen.as_str().map_or_else(|| listen.to_string(), str::to_owned);
            kcl_metrics::parse_address(&text)
        };
        self.metrics.listen.as_ref().map(parse).transpose().context("the setting `metrics.listen`")
    }

    /// The settings of the worker.
    ///
    /// # Errors
    /// A setting is invalid, or two settings contradict each other.
    pub fn worker_settings(&self) -> anyhow::Result<Settings> {
        let mut settings = Settings::default();
        settings.coordination = self.coordination.clone();
        settings.delivery = self.delivery.clone();
        settings.delivery.empty_batches |= self.consumer.call_process_records_even_for_empty_list;
        settings.validate()?;
        Ok(settings)
    }

    /// The access key and its secret, if they are set.
    ///
    /// # Errors
    /// The access key is set without its secret, or the secret without the key.
    pub fn static_credentials(&self) -> anyhow::Result<Option<(&str, &str)>> {
        match (self.aws.access_key.as_deref(), self.aws.secret_key.as_deref()) {
            (Some(key), Some(secret)) => Ok(Some((key, secret))),
            (None, None) => Ok(None),
            (Some(_), None) => bail!("aws.access_key is set, but aws.secret_key is not: set both"),
            (None, Some(_)) => bail!("aws.secret_key is set, but aws.access_key is not: set both"),
        }
    }
}
