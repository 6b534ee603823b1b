//! Where a reader stands in its shard, and how it gets there again.

use std::time::Duration;

use kcl_core::{
    env::{Time, WallTime},
    stream::{Position, Record, SequenceNumber, StartAt},
};

use crate::service::{IteratorAt, ShardIterator};

/// How much earlier than asked for a record may seem to have arrived: some servers show arrival
/// times cut to the second.
const ARRIVAL_SLACK: Duration = Duration::from_secs(1);

/// Where a reader stands.
///
/// To go on after a position it asks for an iterator *at* that record and drops what it has
/// delivered before. `AFTER_SEQUENCE_NUMBER` is never used: it would skip the rest of a KPL
/// aggregate, and, more important, a record that comes back proves that nothing after it is gone
/// (see [`mod@super::gap`]), which nothing else does.
#[derive(Clone, Debug)]
pub(crate) struct Cursor {
    /// Where to start as long as nothing was passed.
    start: StartAt,
    passed: Option<Passed>,
    /// The record that a new iterator was asked for, and that its first answer has yet to show.
    sought: Option<SequenceNumber>,
    /// When this reader last had everything there was.
    caught_up: Option<Time>,
    /// Set while the iterator may repeat records, or begin with records too early.
    filtering: bool,
}

/// The last position that was passed: read here, or by a predecessor that left a checkpoint.
#[derive(Clone, Debug)]
pub(crate) struct Passed {
    pub(crate) position: Position,
    /// When its record arrived, if it was read here and the server says.
    pub(crate) arrival: Option<WallTime>,
}

impl Cursor {
    pub(crate) fn new(start: StartAt) -> Self {
        let passed = match &start {
            StartAt::After(position) => Some(Passed { position: position.clone(), arrival: None }),
            _ => None,
        };
        Self { start, passed, sought: None, caught_up: None, filtering: false }
    }

    pub(crate) const fn passed(&self) -> Option<&Passed> {
        self.passed.as_ref()
    }

    pub(crate) const fn sought(&self) -> Option<&SequenceNumber> {
        self.sought.as_ref()
    }

    pub(crate) const fn caught_up(&self) -> Option<Time> {
        self.caught_up
    }

    /// Everything that there was at this time has been passed.
    pub(crate) const fn catch_up(&mut self, at: Time) {
        self.caught_up = Some(at);
    }

    /// The sought record was found, or it is known why not.
    pub(crate) fn settle(&mut self) {
        self.sought = None;
    }

    /// The service refuses the position, and it is known that it is no longer there: everything
    /// that is left is read, whatever its numbers.
    pub(crate) fn go_to_horizon(&mut self) {
        *self = Self { caught_up: self.caught_up, ..Self::new(StartAt::TrimHorizon) };
    }

    /// What iterator to ask for.
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

    /// The iterator for `at` was given.
    pub(crate) fn given(&mut self, at: IteratorAt, iterator: &ShardIterator) {
        self.filtering = true;
        match at {
            IteratorAt::Record(number) => self.sought = Some(number),
            // Asked again, LATEST would skip what arrives from now on: it is frozen.
            IteratorAt::Latest => {
                if let Some(now) = iterator.server_time {
                    self.start = StartAt::AtTimestamp(now);
                }
            }
            IteratorAt::Timestamp(_) | IteratorAt::TrimHorizon => {}
        }
    }

    /// Takes the records off the front that were delivered before, or were not asked for.
    pub(crate) fn drop_unwanted(&mut self, records: &mut Vec<Record>) {
        if !self.filtering {
            return;
        }
        let wanted = records.iter().position(|record| self.wants(record));
        records.drain(..wanted.unwrap_or(records.len()));
        self.filtering = wanted.is_none();
    }

    fn wants(&self, record: &Record) -> bool {
        match (&self.passed, &self.start) {
            (Some(passed), _) => record.position > passed.position,
            // ferrokinesis 0.7.0 starts at the oldest record when none is as young as asked for.
            (None, StartAt::AtTimestamp(from)) => {
                record.arrival.is_none_or(|arrival| arrival >= from.minus(ARRIVAL_SLACK))
            }
            _ => true,
        }
    }

    /// The stream's records up to and including `position` were passed.
    pub(crate) fn pass(&mut self, position: Position, arrival: Option<WallTime>) {
        // Again at the same place counts: now the record's time of arrival is known.
        if self.passed.as_ref().is_none_or(|passed| position >= passed.position) {
            self.passed = Some(Passed { position, arrival });
        }
    }
}
