//! The calls to Kinesis that a source makes: arguments in the library's types, and failures by
//! kind. Neither rate limits nor retries are handled here.
//!
//! `clients` makes the SDK clients, `pool` replaces a client whose connections bring no answers
//! (`silence` measures that), `server_date` reads the time of the service, `convert` converts the
//! SDK's types, and `failure` its errors.

mod clients;
pub(crate) mod convert;
mod failure;
mod pool;
mod server_date;
mod silence;

pub(crate) use clients::{Configuration, Overrides};
pub(crate) use failure::Failure;

use std::{fmt, sync::Arc, time::Duration};

use aws_sdk_kinesis::{
    operation::{get_records::GetRecordsOutput, list_shards::ListShardsOutput},
    types::{ShardIteratorType, StreamStatus},
};
use kcl_core::{
    env::{Clock, WallTime},
    stream::{SequenceNumber, ShardId, SourceErrorKind, StreamDescription, StreamKey},
};
use tokio::sync::OnceCell;

use self::{clients::Clients, server_date::ServerDate};
use crate::{StreamName, stream_name};

/// The retention of a new stream, and the shortest that Kinesis allows.
pub(crate) const LEAST_RETENTION: Duration = Duration::from_hours(24);

/// The calls about one stream. The clients are made by the first call.
pub(crate) struct Service {
    stream: StreamName,
    configuration: Configuration,
    overrides: Overrides,
    clock: Arc<dyn Clock>,
    clients: OnceCell<Clients>,
}

/// The page of a listing to request.
#[derive(Clone, Debug)]
pub(crate) enum Page {
    First,
    /// The page for this token, which the page before it has returned.
    Next(String),
    /// The page that begins after the shard with this id.
    After(String),
}

/// The position at which an iterator starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IteratorAt {
    TrimHorizon,
    Latest,
    Timestamp(WallTime),
    /// At this record, which is returned as well (`AT_SEQUENCE_NUMBER`).
    Record(SequenceNumber),
}

/// An iterator, and the time of the service when it returned it (`None` if not known).
#[derive(Clone, Debug)]
pub(crate) struct ShardIterator {
    pub(crate) token: String,
    pub(crate) server_time: Option<WallTime>,
}

impl Service {
    pub(crate) fn new(
        stream: StreamName,
        configuration: Configuration,
        overrides: Overrides,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { stream, configuration, overrides, clock, clients: OnceCell::new() }
    }

    pub(crate) const fn stream(&self) -> &StreamName {
        &self.stream
    }

    /// The clients. The first call makes them; if that fails, the next call tries again.
    async fn clients(&self) -> Result<&Clients, Failure> {
        let load = || {
            let (configuration, overrides) = (self.configuration.clone(), self.overrides.clone());
            Clients::load(configuration, overrides, Arc::clone(&self.clock))
        };
        self.clients.get_or_try_init(load).await
    }

    /// Calls `DescribeStreamSummary`. A stream that is being deleted is an error.
    pub(crate) async fn describe(&self) -> Result<StreamDescription, Failure> {
        let date = ServerDate::default();
        let call = self.clients().await?.control.client().describe_stream_summary();
        let call = call.set_stream_name(self.stream.name()).set_stream_arn(self.stream.arn());
        let answer = call.customize().interceptor(date.clone()).send().await?;
        let summary = answer.stream_description_summary;
        let summary = summary.ok_or_else(|| Failure::corrupt("the answer describes no stream"))?;
        if summary.stream_status == StreamStatus::Deleting {
            return Err(Failure::new(SourceErrorKind::NoStream, "the stream is being deleted"));
        }
        let created = convert::wall_time(&summary.stream_creation_timestamp);
        // The SDK fills a missing name with "" and a missing time with 0. Used as they are, these
        // values would look like another stream.
        if summary.stream_name.is_empty() || created == WallTime::default() {
            let what = "the answer lacks the stream's name, or the time of its creation";
            return Err(Failure::corrupt(what));
        }
        let name = stream_name::in_full(&summary.stream_arn, &summary.stream_name);
        let name = name.map_err(|error| Failure::corrupt(error.to_string()))?;
        let key = StreamKey::new(&summary.stream_name, created);
        let retention = retention(summary.retention_period_hours);
        Ok(StreamDescription::new(name, key, retention, date.get().ok_or_else(undated)?))
    }

    /// Calls `ListShards` for one page.
    pub(crate) async fn list_shards(&self, page: Page) -> Result<ListShardsOutput, Failure> {
        // The default of Kinesis. It is sent because other servers have other defaults.
        let call = self.clients().await?.control.client().list_shards().max_results(1_000);
        // The token identifies the stream as well; Kinesis refuses a request with both.
        let call = match page {
            Page::Next(token) => return Ok(call.next_token(token).send().await?),
            Page::First => call,
            Page::After(shard) => call.exclusive_start_shard_id(shard),
        };
        let call = call.set_stream_name(self.stream.name()).set_stream_arn(self.stream.arn());
        Ok(call.send().await?)
    }

    /// Calls `GetShardIterator`. For [`IteratorAt::Latest`], an answer without date is an error.
    pub(crate) async fn iterator(
        &self,
        shard: &ShardId,
        at: &IteratorAt,
    ) -> Result<ShardIterator, Failure> {
        use ShardIteratorType as Type;
        let date = ServerDate::default();
        let call =
            self.clients().await?.data.client().get_shard_iterator().shard_id(shard.as_str());
        let call = call.set_stream_name(self.stream.name()).set_stream_arn(self.stream.arn());
        let call = match at {
            IteratorAt::TrimHorizon => call.shard_iterator_type(Type::TrimHorizon),
            IteratorAt::Latest => call.shard_iterator_type(Type::Latest),
            IteratorAt::Timestamp(at) => {
                call.shard_iterator_type(Type::AtTimestamp).timestamp(convert::date_time(*at))
            }
            IteratorAt::Record(number) => call
                .shard_iterator_type(Type::AtSequenceNumber)
                .starting_sequence_number(number.as_str()),
        };
        let answer = call.customize().interceptor(date.clone()).send().await?;
        let token = answer.shard_iterator.filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| Failure::corrupt("the answer holds no iterator"))?;
        if *at == IteratorAt::Latest && date.get().is_none() {
            return Err(undated());
        }
        Ok(ShardIterator { token, server_time: date.get() })
    }

    /// Calls `GetRecords` for at most `limit` records.
    pub(crate) async fn records(
        &self,
        iterator: &str,
        limit: i32,
    ) -> Result<GetRecordsOutput, Failure> {
        let call =
            self.clients().await?.data.client().get_records().shard_iterator(iterator).limit(limit);
        Ok(call.set_stream_arn(self.stream.arn()).send().await?)
    }
}

/// The retention; the shortest that Kinesis allows if the answer has none.
fn retention(hours: i32) -> Duration {
    let hours = u64::try_from(hours).ok().filter(|hours| *hours > 0);
    hours.map_or(LEAST_RETENTION, Duration::from_hours)
}

/// The error for an answer without `Date` header. The time of the stream is known from that header
/// only, and a wrong time could skip records.
fn undated() -> Failure {
    Failure::corrupt("the answer has no Date header: is a proxy removing it?")
}

/// Leaves out the configuration, since it may hold credentials.
impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("stream", &self.stream)
            .field("overrides", &self.overrides)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
