//! An answer with records, judged but not yet delivered.

use std::time::Duration;

use aws_sdk_kinesis::types::{ChildShard, Record};
use kcl_core::{
    env::{Time, WallTime},
    stream::{SequenceNumber, Shard, ShardId},
};

use crate::service::{Failure, convert};

/// An answer of so many bytes may have been cut for its size, whatever it says of the lag.
const LARGE: usize = 5 << 20;

/// A shard whose newest record seems older than this may well have newer ones.
const OLD: Duration = Duration::from_secs(10);

/// What the service answered, in whichever way it was asked.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) records: Vec<Record>,
    /// What to read on with: an iterator.
    pub(crate) next: Option<String>,
    pub(crate) millis_behind: Option<i64>,
    /// The shards that continue this one.
    pub(crate) children: Option<Vec<ChildShard>>,
}

/// What an answer says of the way on.
#[derive(Debug)]
pub(crate) enum Next {
    /// Read on with this iterator.
    Iterator(String),
    /// There is none: the shard has ended. The children, if the answer names them.
    End(Vec<Shard>),
    /// There is none, but nothing shows that the shard has ended, either: no children are named,
    /// and the lag is not zero.
    Unclear,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) records: Vec<Record>,
    pub(crate) next: Next,
    /// `None` where the answer does not say.
    pub(crate) millis_behind: Option<u64>,
    /// Whether the shard seems to have no more to give for now.
    pub(crate) is_idle: bool,
    /// Whether the answer says so itself.
    pub(crate) at_tip: bool,
    /// The sum of the payloads.
    pub(crate) bytes: usize,
    /// The number of the first record.
    pub(crate) first: Option<SequenceNumber>,
    /// When the call was sent.
    pub(crate) sent: Time,
    /// Whether it is known that nothing is missing before it.
    pub(crate) proven: bool,
}

/// A call, as far as its answer is judged by it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) shard: &'a ShardId,
    /// The most records asked for.
    pub(crate) limit: usize,
    /// When it was sent.
    pub(crate) sent: Time,
}

impl Answer {
    /// The answer to a call, received at `now`.
    pub(crate) fn new(raw: Raw, asked: Asked<'_>, now: WallTime) -> Result<Self, Failure> {
        let bytes = raw.records.iter().map(|record| record.data.as_ref().len()).sum();
        let first = raw.records.first().map(|record| record.sequence_number.parse());
        // No lag, or one below zero, is an unknown one.
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

    /// Nothing is missing before it, or that was told.
    pub(crate) const fn settle(&mut self) {
        self.proven = true;
    }

    /// Whether this is the last answer of the shard.
    pub(crate) const fn is_end(&self) -> bool {
        matches!(self.next, Next::End(_))
    }
}

/// What an answer without iterator says. Children are believed only if there are any and each says
/// that it continues this shard; other ones may be those of another shard, or not all.
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

/// Some servers say "0 ms behind" with a backlog before them (kinesalite, ferrokinesis), so an
/// answer with records is believed to be the last one only if it was not full, and its last record
/// is young. If the judgement is wrong it costs one call, which comes back empty.
fn is_last(records: &[Record], bytes: usize, limit: usize, now: WallTime) -> bool {
    let Some(last) = records.last() else { return true };
    let arrival = last.approximate_arrival_timestamp.as_ref().map(convert::wall_time);
    let is_old = arrival.is_some_and(|arrival| now.since(arrival) > OLD);
    records.len() < limit && bytes < LARGE && !is_old
}
