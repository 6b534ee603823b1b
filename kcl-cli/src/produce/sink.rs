//! The stream that records are put into, by `PutRecords`. Tests have another [`Sink`].

use anyhow::Context;
use async_trait::async_trait;
use aws_sdk_kinesis::{
    Client,
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    operation::put_records::PutRecordsError,
    primitives::Blob,
    types::{PutRecordsRequestEntry, PutRecordsResultEntry},
};
use kcl_kinesis::StreamName;

use super::record::NewRecord;
use crate::report;

const MIB: usize = 1024 * 1024;

/// The limits of a stream, in bytes, keys included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// The most bytes of a record.
    pub(super) record: usize,
    /// The most bytes of all records of a call.
    pub(super) call: usize,
}

impl Limits {
    /// The limits of a stream whose records may have this many KiB. If that is unknown, records of
    /// up to 10 MiB are sent, the most that any stream can allow, and the service decides.
    fn of(record_kib: Option<i32>) -> Self {
        let record = record_kib.and_then(|kib| usize::try_from(kib).ok()).map(|kib| kib * 1024);
        // A stream that allows large records takes calls of 10 MiB. Other servers may refuse them.
        let call = if record.is_some_and(|record| record > MIB) { 10 * MIB } else { 5 * MIB };
        Self { record: record.unwrap_or(10 * MIB), call }
    }
}

/// The answer to a call. The texts hold the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// For each record why it was refused; `None` if the stream took it.
    Each(Vec<Option<String>>),
    /// The stream took no record, and may take all of them later.
    Throttled(String),
    /// The stream took no record, because one of them cannot be put.
    Rejected(String),
}

/// A stream as `put` needs it.
#[async_trait]
pub(super) trait Sink: Send + Sync {
    /// Puts records by one call.
    ///
    /// # Errors
    /// The stream does not exist, access is denied, or no answer came.
    async fn put(&self, records: &[NewRecord]) -> anyhow::Result<Answer>;
}

/// A stream of Kinesis.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    pub(super) client: Client,
    pub(super) name: StreamName,
}

impl Stream {
    /// The stream's limits. If the call fails, for example because it is denied, the limits count
    /// as unknown.
    ///
    /// # Errors
    /// The stream does not exist.
    pub(super) async fn limits(&self) -> anyhow::Result<Limits> {
        let call = self.client.describe_stream_summary();
        let call = call.set_stream_name(self.name.name()).set_stream_arn(self.name.arn());
        match call.send().await {
            Ok(answer) => {
                let summary = answer.stream_description_summary;
                Ok(Limits::of(summary.and_then(|summary| summary.max_record_size_in_kib)))
            }
            Err(error) if error.code() == Some("ResourceNotFoundException") => {
                Err(self.failed(&report::why(&error)))
            }
            // If more is wrong than the right to this call, the first put fails.
            Err(error) => {
                tracing::debug!(error = report::why(&error), "the stream's limits are not known");
                Ok(Limits::of(None))
            }
        }
    }

    /// The error of a call, with the stream's name.
    fn failed(&self, why: &str) -> anyhow::Error {
        anyhow::anyhow!("{why}").context(format!("nothing can be put into {}", self.name))
    }
}

#[async_trait]
impl Sink for Stream {
    async fn put(&self, records: &[NewRecord]) -> anyhow::Result<Answer> {
        let entry = |record: &NewRecord| {
            PutRecordsRequestEntry::builder()
                .partition_key(&record.key)
                .data(Blob::new(record.data.as_slice()))
                .build()
        };
        let entries = records.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        let call = self.client.put_records().set_records(Some(entries));
        let call = call.set_stream_name(self.name.name()).set_stream_arn(self.name.arn());
        let answer = match call.send().await {
            Ok(answer) => answer,
            Err(error) => return refusal(&error).ok_or_else(|| self.failed(&report::why(&error))),
        };
        let results = answer.records;
        (results.len() == records.len()).then_some(()).context("an answer for other records")?;
        let code = |result: PutRecordsResultEntry| result.error_code;
        Ok(Answer::Each(results.into_iter().map(code).collect()))
    }
}

/// The answer that a failed call stands for; `None` if the error is not about the records.
fn refusal(error: &SdkError<PutRecordsError, HttpResponse>) -> Option<Answer> {
    let status = error.raw_response().map_or(0, |answer| answer.status().as_u16());
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default();
    match code {
        "ProvisionedThroughputExceededException"
        | "LimitExceededException"
        | "ThrottlingException"
        | "KMSThrottlingException" => Some(Answer::Throttled(report::why(error))),
        "ValidationException" | "InvalidArgumentException" | "SerializationException" => {
            Some(Answer::Rejected(report::why(error)))
        }
        _ if status == 413 => Some(Answer::Rejected(report::why(error))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_grow_with_the_records_a_stream_takes() {
        let limits = |record, call| Limits { record: record * MIB, call: call * MIB };
        assert_eq!(Limits::of(Some(1_024)), limits(1, 5));
        assert_eq!(Limits::of(Some(10_240)), limits(10, 10));
        assert_eq!(Limits::of(None), limits(10, 5), "the service decides");
    }
}
