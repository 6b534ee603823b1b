//! An answer of `GetRecords`, judged but not yet delivered.

use std::time::Duration;

use aws_sdk_kinesis::{
    operation::get_records::GetRecordsOutput,
    types::{ChildShard, Record},
};
use kcl_core::{
    env::{Time, WallTime},
    stream::SequenceNumber,
};

use crate::{convert, service::Failure};

/// An answer of so many bytes may have been cut for its size, whatever it says of the lag.
const LARGE: usize = 5 << 20;

/// A shard whose newest record seems older than this may well have newer ones.
const OLD: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) records: Vec<Record>,
    /// `None` at the end of the shard.
    pub(super) next: Option<String>,
    pub(super) children: Vec<ChildShard>,
    pub(super) millis_behind: Option<u64>,
    /// Whether the shard had nothing more to give.
    pub(super) at_tip: bool,
    /// The sum of the payloads.
    pub(super) bytes: usize,
    /// The number of the first record.
    pub(super) first: Option<SequenceNumber>,
    /// When the call was sent.
    pub(super) sent: Time,
    /// Whether it is known that nothing is missing before it.
    pub(super) proven: bool,
}

impl Answer {
    /// The answer to a call for at most `limit` records, received at `now`.
    pub(super) fn new(
        output: GetRecordsOutput,
        limit: usize,
        sent: Time,
        now: WallTime,
    ) -> Result<Self, Failure> {
        let bytes = output.records.iter().map(|record| record.data.as_ref().len()).sum();
        let first = output.records.first().map(|record| record.sequence_number.parse());
        let millis_behind = output.millis_behind_latest.map(|lag| u64::try_from(lag).unwrap_or(0));
        Ok(Self {
            first: first.transpose().map_err(Failure::corrupt)?,
            at_tip: is_at_tip(&output, bytes, limit, now),
            bytes,
            millis_behind,
            records: output.records,
            next: output.next_shard_iterator,
            children: output.child_shards.unwrap_or_default(),
            sent,
            proven: false,
        })
    }
}

/// Some servers say "0 ms behind" with a backlog before them (kinesalite, ferrokinesis), so an
/// answer with records is believed to be the last one only if it was not full, and its last record
/// is young. If the judgement is wrong it costs one call, which comes back empty.
fn is_at_tip(output: &GetRecordsOutput, bytes: usize, limit: usize, now: WallTime) -> bool {
    if output.millis_behind_latest > Some(0) || output.next_shard_iterator.is_none() {
        return false;
    }
    let Some(last) = output.records.last() else { return true };
    let arrival = last.approximate_arrival_timestamp.as_ref().map(convert::wall_time);
    let is_old = arrival.is_some_and(|arrival| now.since(arrival) > OLD);
    output.records.len() < limit && bytes < LARGE && !is_old
}
