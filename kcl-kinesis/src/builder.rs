//! The builder of [`KinesisSource`], and the errors in its settings.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use aws_config::SdkConfig;
use kcl_core::env::Env;

use crate::{
    discover::Stream,
    retrieve::Polling,
    service::{Configuration, Overrides, Service},
    source::KinesisSource,
    stream_name::{InvalidStreamName, StreamName},
};

impl KinesisSource {
    /// Creates a source for the stream with this name or ARN, with AWS's default configuration and
    /// default settings.
    ///
    /// # Errors
    /// Returns [`InvalidSettings::Stream`] if `stream` is neither a stream name nor a stream ARN.
    pub fn new(stream: impl Into<String>) -> Result<Self, InvalidSettings> {
        Self::builder(stream).build()
    }

    /// Returns a builder for a source of the stream with this name or ARN.
    pub fn builder(stream: impl Into<String>) -> KinesisSourceBuilder {
        KinesisSourceBuilder::new(stream.into())
    }
}

/// Builds a [`KinesisSource`]. Every setting has a default; only the stream is required.
#[derive(Debug)]
#[must_use]
pub struct KinesisSourceBuilder {
    stream: String,
    configuration: Configuration,
    overrides: Overrides,
    max_records: usize,
    idle_poll: Duration,
    env: Env,
}

/// The error of [`KinesisSourceBuilder::build`]: a setting is out of its range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSettings {
    /// The text is neither a stream name nor a stream ARN.
    #[error(transparent)]
    Stream(#[from] InvalidStreamName),
    /// The number of records per call is not within 1 to 10,000.
    #[error(
        "max_records = {0}: Kinesis takes {min} to {max}",
        min = MAX_RECORDS.start(), max = MAX_RECORDS.end()
    )]
    MaxRecords(usize),
    /// The time between two reads at the tip is not within 200 ms to 60 s.
    #[error(
        "idle_poll = {0:?}: choose {min:?} (a shard allows 5 reads a second, for all applications \
         together) to {max:?} (an iterator expires after 5 minutes)",
        min = IDLE_POLL.start(), max = IDLE_POLL.end()
    )]
    IdlePoll(Duration),
}

const MAX_RECORDS: RangeInclusive<usize> = 1..=10_000;
const IDLE_POLL: RangeInclusive<Duration> = Duration::from_millis(200)..=Duration::from_secs(60);

impl KinesisSourceBuilder {
    fn new(stream: String) -> Self {
        Self {
            stream,
            configuration: Configuration::Default,
            overrides: Overrides::default(),
            max_records: *MAX_RECORDS.end(),
            idle_poll: Duration::from_secs(1),
            env: Env::system(),
        }
    }

    /// Sets the AWS configuration: region, credentials, assumed role, retries, time-outs. Without
    /// one, the default chain is loaded when the source is first used; it honours
    /// `AWS_ENDPOINT_URL_KINESIS` and `AWS_ENDPOINT_URL`.
    ///
    /// The configured retries apply to describing the stream and listing its shards. Readers repeat
    /// failed reads by their own rules. If the configuration has an HTTP client, the source uses
    /// it; otherwise the source opens its connections on the runtime that calls it.
    pub fn sdk_config(mut self, config: &SdkConfig) -> Self {
        self.configuration = Configuration::Sdk(Box::new(config.clone()));
        self
    }

    /// Sets the configuration of the Kinesis client; otherwise like [`Self::sdk_config`].
    pub fn client_config(mut self, config: aws_sdk_kinesis::config::Builder) -> Self {
        self.configuration = Configuration::Kinesis(Box::new(config));
        self
    }

    /// Sets the address of the service, in place of the one from the region or the configuration.
    pub fn endpoint_url(mut self, url: impl Into<String>) -> Self {
        self.overrides.endpoint = Some(url.into());
        self
    }

    /// Sets the region, in place of the one from the configuration. For a stream given by its ARN,
    /// the region in the ARN is used.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.overrides.region = Some(region.into());
        self
    }

    /// Sets the largest number of records to request in one call: 1 to 10,000 (the default). A
    /// reader requests fewer if it has memory for fewer.
    pub const fn max_records(mut self, records: usize) -> Self {
        self.max_records = records;
        self
    }

    /// Sets the time between two reads of a shard without new records: 200 ms to 60 s, by default 1
    /// s (`idleTimeBetweenReadsInMillis` in the Java KCL). A shard with a backlog is read without
    /// pause.
    pub const fn idle_poll(mut self, span: Duration) -> Self {
        self.idle_poll = span;
        self
    }

    /// Sets the clock and the source of randomness; by default those of the machine.
    pub fn env(mut self, env: Env) -> Self {
        self.env = env;
        self
    }

    /// Builds the source. Sends no request.
    ///
    /// # Errors
    /// Returns [`InvalidSettings`], with the value and its allowed range, if a setting is out of
    /// range.
    pub fn build(self) -> Result<KinesisSource, InvalidSettings> {
        let stream: StreamName = self.stream.parse()?;
        if !MAX_RECORDS.contains(&self.max_records) {
            return Err(InvalidSettings::MaxRecords(self.max_records));
        }
        if !IDLE_POLL.contains(&self.idle_poll) {
            return Err(InvalidSettings::IdlePoll(self.idle_poll));
        }
        let mut overrides = self.overrides;
        overrides.region = stream.region().map(str::to_owned).or(overrides.region);
        let polling = Polling::new(self.max_records, self.idle_poll);
        let clock = Arc::clone(&self.env.clock);
        let service = Service::new(stream, self.configuration, overrides, clock);
        Ok(KinesisSource::of(Stream::new(service, self.env), polling))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_work_are_refused_with_value_limit_and_remedy() {
        let source = || KinesisSource::builder("orders");
        for records in [0, 10_001] {
            let refused = source().max_records(records).build().unwrap_err().to_string();
            assert_eq!(refused, format!("max_records = {records}: Kinesis takes 1 to 10000"));
        }
        for millis in [199, 60_001] {
            let span = Duration::from_millis(millis);
            let refused = source().idle_poll(span).build().unwrap_err().to_string();
            assert!(refused.contains("200ms") && refused.contains("60s"), "{refused}");
        }
        assert!(KinesisSource::new("no stream").is_err());
        assert!(source().max_records(1).idle_poll(Duration::from_secs(60)).build().is_ok());
    }
}
