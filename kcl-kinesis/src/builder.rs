//! How a source is set up and made.

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
    /// The stream of this name or ARN, with AWS's default configuration and default settings.
    ///
    /// # Errors
    /// [`InvalidSettings`] if this is no name.
    pub fn new(stream: impl Into<String>) -> Result<Self, InvalidSettings> {
        Self::builder(stream).build()
    }

    /// The stream of this name or ARN, to be set up.
    pub fn builder(stream: impl Into<String>) -> KinesisSourceBuilder {
        KinesisSourceBuilder::new(stream.into())
    }
}

/// Sets up a [`KinesisSource`]. Every setting has a default; only the stream has to be named.
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

/// Settings that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSettings {
    /// The stream's name.
    #[error(transparent)]
    Stream(#[from] InvalidStreamName),
    /// The records per call.
    #[error(
        "max_records = {0}: Kinesis takes {min} to {max}",
        min = MAX_RECORDS.start(), max = MAX_RECORDS.end()
    )]
    MaxRecords(usize),
    /// The time between reads at the tip.
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

    /// Uses a configuration loaded for all of AWS: region, credentials, an assumed role, retries,
    /// time-outs. Without one, the default chain is loaded when the source is first used; it
    /// honours `AWS_ENDPOINT_URL_KINESIS` and `AWS_ENDPOINT_URL`.
    ///
    /// Retries apply to describing and listing; readers repeat a read by themselves. A
    /// configuration with an HTTP client of its own is used with that; otherwise the source makes
    /// connections on the runtime that uses it.
    pub fn sdk_config(mut self, config: &SdkConfig) -> Self {
        self.configuration = Configuration::Sdk(Box::new(config.clone()));
        self
    }

    /// Uses a configuration made for Kinesis alone; otherwise like [`Self::sdk_config`].
    pub fn client_config(mut self, config: aws_sdk_kinesis::config::Builder) -> Self {
        self.configuration = Configuration::Kinesis(Box::new(config));
        self
    }

    /// Calls this address instead of the region's, whatever the configuration says.
    pub fn endpoint_url(mut self, url: impl Into<String>) -> Self {
        self.overrides.endpoint = Some(url.into());
        self
    }

    /// Calls this region, whatever the configuration says. A stream named by its ARN is called in
    /// the ARN's region.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.overrides.region = Some(region.into());
        self
    }

    /// The most records to ask for in one call: 1 to 10,000 (the default). The bytes a reader has
    /// room for limit them further.
    pub const fn max_records(mut self, records: usize) -> Self {
        self.max_records = records;
        self
    }

    /// The time between two reads of a shard that has nothing new: 200 ms to 60 s, by default 1 s
    /// (`idleTimeBetweenReadsInMillis` in the Java KCL). A shard with a backlog is read without
    /// pause.
    pub const fn idle_poll(mut self, span: Duration) -> Self {
        self.idle_poll = span;
        self
    }

    /// Clock and randomness; by default the machine's.
    pub fn env(mut self, env: Env) -> Self {
        self.env = env;
        self
    }

    /// The source. Sends nothing yet.
    ///
    /// # Errors
    /// [`InvalidSettings`], naming the value and what would work.
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
