//! [`Cursor`]: the position of a reader in its shard, and the iterator that leads there.

use std::time::Duration;

use kcl_core::{
    env::{Time, WallTime},
    stream::{Position, Record, SequenceNumber, StartAt},
};

use crate::service::{IteratorAt, ShardIterator};

/// How much earlier than the requested timestamp a record's arrival may be: some servers truncate
/// arrival times to the second.
const ARRIVAL_SLACK: Duration = Duration::from_secs(1);

/// The position of a reader.
///
/// To go on after a position, the reader requests an iterator *at* that record and drops the
/// records it has delivered before. `AFTER_SEQUENCE_NUMBER` is never used. It would skip the rest
/// of a KPL aggregate. And only a record that is returned again proves that no record after it has
/// been trimmed (see [`mod@super::gap`]).
#[derive(Clone, Debug)]
pub(crate) struct Cursor {
    /// The place to start while there is no `passed`.
    start: StartAt,
    passed: Option<Passed>,
    /// The record at which the current iterator starts, until an answer has shown whether the
    /// record is still there.
    sought: Option<SequenceNumber>,
    /// The last time when this reader had passed all records of the shard.
    caught_up: Option<Time>,
    /// True while the iterator may return records that were delivered before, or that lie before
    /// the requested start.
    filtering: bool,
}

/// The last position that was passed: by this reader, or before the checkpoint it started from.
#[derive(Clone, Debug)]
pub(crate) struct Passed {
    pub(crate) position: Position,
    /// The arrival time of its record; `None` if another reader read it or the server sends none.
    pub(crate) arrival: Option<WallTime>,
}

impl Cursor {
    /// Creates a cursor at `start`. A checkpoint to start after counts as a position that was
    /// passed.
    pub(crate) fn new(start: StartAt) -> Self {
        let passed = match &start {
            StartAt::After(position) => Some(Passed { position: position.clone(), arrival: None }),
            _ => None,
        };
        Self { start, passed, sought: None, caught_up: None, filtering: false }
    }

    /// The last position passed; `None` before the first record.
    pub(crate) const fn passed(&self) -> Option<&Passed> {
        self.passed.as_ref()
    }

    /// The record that the first answer of the current iterator has to show; see the field.
    pub(crate) const fn sought(&self) -> Option<&SequenceNumber> {
        self.sought.as_ref()
    }

    /// The last time when all records had been passed; `None` if that was never so.
    pub(crate) const fn caught_up(&self) -> Option<Time> {
        self.caught_up
    }

    /// Records that all records that were in the shard at this time have been passed.
    pub(crate) const fn catch_up(&mut self, at: Time) {
        self.caught_up = Some(at);
    }

    /// Ends the search for the record at which the iterator starts: it was found, or it is known
    /// why it was not.
    pub(crate) fn settle(&mut self) {
        self.sought = None;
    }

    /// Starts again from the oldest record, after the service has refused a position that was
    /// trimmed. All remaining records are read, whatever their sequence numbers.
    pub(crate) fn go_to_horizon(&mut self) {
        *self = Self { caught_up: self.caught_up, ..Self::new(StartAt::TrimHorizon) };
    }

    /// The start of the next iterator to request.
    pub(crate) fn iterator_at(&self) -> IteratorAt {
        if let Some(passed) = &self.passed {
            return IteratorAt::Record(passed.position.sequence.clone());
        }
        match &self.start {
            StartAt::TrimHorizon => IteratorAt::TrimHorizon,
            StartAt::Latest => IteratorAt::Latest,
            StartAt::AtTimestamp(at) => IteratorAt::Timestamp(*at),
            StartAt::At(number) => IteratorAt::Record(number.clone()),
            StartAt::After(position) => IteratorAt::Record(position.sequence.clone()),
        }
    }

    /// Records that the service has returned an iterator for `at`.
    pub(crate) fn given(&mut self, at: IteratorAt, iterator: &ShardIterator) {
        self.filtering = true;
        match at {
            IteratorAt::Record(number) => self.sought = Some(number),
            // A second LATEST would skip the records that arrive in between, so the start
            // becomes a timestamp.
            IteratorAt::Latest => {
                if let Some(now) = iterator.server_time {
                    self.start = StartAt::AtTimestamp(now);
                }
            }
            IteratorAt::Timestamp(_) | IteratorAt::TrimHorizon => {}
        }
    }

    /// Removes the records at the front that were delivered before or lie before the start.
    pub(crate) fn drop_unwanted(&mut self, records: &mut Vec<Record>) {
        if !self.filtering {
            return;
        }
        let wanted = records.iter().position(|record| self.wants(record));
        records.drain(..wanted.unwrap_or(records.len()));
        self.filtering = wanted.is_none();
    }

    /// True if a record is to be delivered: it is after the last position passed or, before the
    /// first record, not before the timestamp to start at.
    fn wants(&self, record: &Record) -> bool {
        match (&self.passed, &self.start) {
            (Some(passed), _) => record.position > passed.position,
            // ferrokinesis 0.7.0 starts at the oldest record if none is after the timestamp.
            (None, StartAt::AtTimestamp(from)) => {
                record.arrival.is_none_or(|arrival| arrival >= from.minus(ARRIVAL_SLACK))
            }
            _ => true,
        }
    }

    /// Records that the records up to and including `position` have been passed.
    pub(crate) fn pass(&mut self, position: Position, arrival: Option<WallTime>) {
        // An equal position counts as well: its arrival time is known only now.
        if self.passed.as_ref().is_none_or(|passed| position >= passed.position) {
            self.passed = Some(Passed { position, arrival });
        }
    }
}
