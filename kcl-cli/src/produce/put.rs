//! PutRecords, until every record of a batch is taken.

use std::time::Duration;

use anyhow::Context;
use aws_sdk_kinesis::{
    Client,
    primitives::Blob,
    types::{PutRecordsRequestEntry, PutRecordsResultEntry},
};
use serde::Serialize;

use super::{records::NewRecord, rest};
use crate::report;

/// The most bytes of a call, keys included.
const CALL: usize = 5 * 1024 * 1024;

/// The pause before what was refused is put again; doubled each time.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// What has been done.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Tally {
    /// Records that the stream took.
    produced: u64,
    /// Times a record was put again.
    retried: u64,
}

/// Puts records into one stream.
pub(super) struct Putting {
    client: Client,
    stream: String,
    pub(super) tally: Tally,
}

impl Putting {
    pub(super) fn new(client: Client, stream: &str) -> Self {
        Self { client, stream: stream.to_owned(), tally: Tally::default() }
    }

    /// Puts all of them. What the stream refuses is put again, so that records of one key may
    /// change places.
    ///
    /// # Errors
    /// The call itself is refused: the stream is unknown, access is denied.
    pub(super) async fn put(&mut self, mut batch: Vec<NewRecord>) -> anyhow::Result<()> {
        let mut pause = PAUSE;
        while !batch.is_empty() {
            let mut later = batch.split_off(fitting(&batch));
            let refused = self.put_once(&batch).await?;
            if refused.is_empty() {
                pause = PAUSE;
            } else {
                self.tally.retried += u64::try_from(refused.len())?;
                tracing::warn!(records = refused.len(), ?pause, "kcl.put.refused");
                rest(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
            batch = refused;
            batch.append(&mut later);
        }
        Ok(())
    }

    /// Returns what was refused.
    async fn put_once(&mut self, batch: &[NewRecord]) -> anyhow::Result<Vec<NewRecord>> {
        let entry = |record: &NewRecord| {
            PutRecordsRequestEntry::builder()
                .partition_key(&record.key)
                .data(Blob::new(record.data.as_slice()))
                .build()
        };
        let entries = batch.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        let call = self.client.put_records().set_records(Some(entries));
        let call = match self.stream.starts_with("arn:") {
            true => call.stream_arn(&self.stream),
            false => call.stream_name(&self.stream),
        };
        let answer = call.send().await.map_err(|error| {
            let cause = report::why(&error);
            anyhow::anyhow!(cause).context(format!("nothing can be put into {}", self.stream))
        })?;
        let results = answer.records;
        (results.len() == batch.len()).then_some(()).context("an answer for other records")?;
        let refused = |result: &PutRecordsResultEntry| result.error_code.is_some();
        let both = batch.iter().zip(&results);
        let refused: Vec<NewRecord> =
            both.filter(|(_, result)| refused(result)).map(|(record, _)| record.clone()).collect();
        self.tally.produced += u64::try_from(batch.len() - refused.len())?;
        Ok(refused)
    }
}

/// How many of the first records fit one call.
fn fitting(batch: &[NewRecord]) -> usize {
    let mut bytes = 0;
    let fits = |record: &&NewRecord| {
        bytes += record.key.len() + record.data.len();
        bytes <= CALL
    };
    batch.iter().take_while(fits).count().max(1)
}
