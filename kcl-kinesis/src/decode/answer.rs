//! [`Answer`]: an answer of `GetRecords`, parsed but not yet delivered.

use std::time::Duration;

use aws_sdk_kinesis::types::{ChildShard, Record};
use kcl_core::{
    env::{Time, WallTime},
    stream::{SequenceNumber, Shard, ShardId},
};

use crate::service::{Failure, convert};

/// An answer of this many bytes or more may have been cut for its size, even if its lag is zero.
const LARGE: usize = 5 << 20;

/// If the last record of an answer is older than this, there may be newer ones, even if the lag is
/// zero.
const OLD: Duration = Duration::from_secs(10);

/// The fields of an answer, without the SDK's type of the call.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) records: Vec<Record>,
    /// The iterator for the next call.
    pub(crate) next: Option<String>,
    pub(crate) millis_behind: Option<i64>,
    /// The child shards.
    pub(crate) children: Option<Vec<ChildShard>>,
}

/// How reading goes on after an answer.
#[derive(Debug)]
pub(crate) enum Next {
    /// With this iterator.
    Iterator(String),
    /// Not at all: there is no iterator, since the shard has ended. Holds the children; empty if
    /// the answer does not name them.
    End(Vec<Shard>),
    /// Unknown: there is no iterator, but neither children nor a lag of zero to show that the shard
    /// has ended.
    Unclear,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) records: Vec<Record>,
    pub(crate) next: Next,
    /// The lag; `None` if the answer has none.
    pub(crate) millis_behind: Option<u64>,
    /// True if the shard seems to have no more records for now.
    pub(crate) is_idle: bool,
    /// True if `is_idle`, and the answer has a lag, of zero.
    pub(crate) at_tip: bool,
    /// The size of all payloads.
    pub(crate) bytes: usize,
    /// The sequence number of the first record.
    pub(crate) first: Option<SequenceNumber>,
    /// The time when the call was sent.
    pub(crate) sent: Time,
    /// True once it is known that no record is missing before the answer, or the loss was reported.
    pub(crate) proven: bool,
}

/// The properties of a call that are needed to parse its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) shard: &'a ShardId,
    /// The largest number of records requested.
    pub(crate) limit: usize,
    /// The time when it was sent.
    pub(crate) sent: Time,
}

impl Answer {
    /// Parses the answer to a call, received at `now`.
    pub(crate) fn new(raw: Raw, asked: Asked<'_>, now: WallTime) -> Result<Self, Failure> {
        let bytes = raw.records.iter().map(|record| record.data.as_ref().len()).sum();
        let first = raw.records.first().map(|record| record.sequence_number.parse());
        // A negative lag counts as missing.
        let millis_behind = raw.millis_behind.and_then(|lag| u64::try_from(lag).ok());
        let next = match raw.next.filter(|token| !token.is_empty()) {
            Some(token) => Next::Iterator(token),
            None => end(raw.children, millis_behind, asked.shard),
        };
        let goes_on = matches!(next, Next::Iterator(_)) && millis_behind.is_none_or(|lag| lag == 0);
        let is_idle = goes_on && is_last(&raw.records, bytes, asked.limit, now);
        Ok(Self {
            first: first.transpose().map_err(Failure::corrupt)?,
            is_idle,
            at_tip: is_idle && millis_behind.is_some(),
            bytes,
            millis_behind,
            records: raw.records,
            next,
            sent: asked.sent,
            proven: false,
        })
    }

    /// Marks the answer as proven: no record is missing before it, or the loss was reported.
    pub(crate) const fn settle(&mut self) {
        self.proven = true;
    }

    /// True if this is the last answer of the shard.
    pub(crate) const fn is_end(&self) -> bool {
        matches!(self.next, Next::End(_))
    }
}

/// The way on after an answer without iterator. The named children count only if each of them has
/// this shard as a parent; otherwise they may belong to another shard, or be incomplete.
fn end(named: Option<Vec<ChildShard>>, millis_behind: Option<u64>, shard: &ShardId) -> Next {
    let children = named.unwrap_or_default().into_iter().map(convert::child);
    let children: Vec<_> = children.collect::<Result<_, _>>().unwrap_or_default();
    let is_named = !children.is_empty() && children.iter().all(|c| c.parents.contains(shard));
    match (is_named, millis_behind) {
        (true, _) => Next::End(children),
        (false, Some(0)) => Next::End(Vec::new()),
        (false, _) => Next::Unclear,
    }
}

/// True if the answer seems to hold the last records for now. Some servers (kinesalite,
/// ferrokinesis) report a lag of zero while there are more records, so an answer with records must
/// also be smaller than the limits, and its last record must be recent. A wrong result costs one
/// call with an empty answer.
fn is_last(records: &[Record], bytes: usize, limit: usize, now: WallTime) -> bool {
    let Some(last) = records.last() else { return true };
    let arrival = last.approximate_arrival_timestamp.as_ref().map(convert::wall_time);
    let is_old = arrival.is_some_and(|arrival| now.since(arrival) > OLD);
    records.len() < limit && bytes < LARGE && !is_old
}
