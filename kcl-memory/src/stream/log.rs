//! The records of one shard.

use std::{collections::VecDeque, sync::Arc};

use kcl_core::{
    env::WallTime,
    stream::{Batch, Position, Record, SequenceNumber, Shard, ShardId, StartAt},
};
use tokio::sync::Notify;

use super::bucket::Bucket;

/// One shard: what it holds, and what became of it.
#[derive(Debug)]
pub(super) struct ShardLog {
    pub(super) shard: Shard,
    /// Number of the shard in its stream.
    pub(super) index: u64,
    /// Every record, trimmed ones first if they are remembered.
    records: VecDeque<Record>,
    /// How many of `records` are trimmed.
    trimmed: usize,
    /// The newest record ever trimmed.
    last_trimmed: Option<Position>,
    /// The latest arrival of all trimmed records.
    latest_trimmed: Option<WallTime>,
    pub(super) closed_at: Option<WallTime>,
    pub(super) children: Vec<ShardId>,
    pub(super) bucket: Option<Bucket>,
    /// Rings when a reader that waits should look again.
    pub(super) bell: Arc<Notify>,
}

/// Where a reader stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// After this position, or before everything.
    After(Option<Position>),
    /// Before this record.
    At(SequenceNumber),
    /// Before the first record that arrived at or after this time.
    Since(WallTime),
}

/// What a reader finds.
#[derive(Debug)]
pub(super) enum Found {
    Batch(Batch),
    /// What it stood before was trimmed; the last position read, and the first one left.
    Lost {
        from: Option<Position>,
        to: Option<Position>,
    },
    Nothing,
    End,
}

impl ShardLog {
    pub(super) fn new(shard: Shard, index: u64, reads_per_second: Option<u32>) -> Self {
        Self {
            shard,
            index,
            records: VecDeque::new(),
            trimmed: 0,
            last_trimmed: None,
            latest_trimmed: None,
            closed_at: None,
            children: Vec::new(),
            bucket: reads_per_second.map(Bucket::new),
            bell: Arc::new(Notify::new()),
        }
    }

    pub(super) fn push(&mut self, record: Record) {
        self.records.push_back(record);
        self.ring();
    }

    /// Takes no more records; continued by `children`.
    pub(super) fn close(&mut self, at: WallTime, children: Vec<ShardId>) {
        self.shard.closed = true;
        self.closed_at = Some(at);
        self.children = children;
        self.ring();
    }

    /// Makes waiting readers look again.
    pub(super) fn ring(&self) {
        self.bell.notify_waiters();
    }

    /// Every record there ever was, if they are remembered, or else every one left.
    pub(super) fn all(&self) -> impl Iterator<Item = &Record> {
        self.records.iter()
    }

    /// How many records are left.
    pub(super) fn len(&self) -> usize {
        self.records.len() - self.trimmed
    }

    /// How many of the oldest records arrived before `horizon`, up to the first that did not.
    pub(super) fn older_than(&self, horizon: WallTime) -> usize {
        let old = |record: &&Record| record.arrival.is_some_and(|arrival| arrival < horizon);
        self.records.iter().skip(self.trimmed).take_while(old).count()
    }

    /// Trims the oldest `count` records.
    pub(super) fn trim(&mut self, count: usize, remembers: bool) {
        let until = (self.trimmed + count).min(self.records.len());
        for record in self.records.range(self.trimmed..until) {
            self.latest_trimmed = self.latest_trimmed.max(record.arrival);
            self.last_trimmed = Some(record.position.clone());
        }
        self.trimmed = until;
        if !remembers {
            self.records.drain(..until);
            self.trimmed = 0;
        }
    }

    /// Where a reader stands that starts at `at` now.
    pub(super) fn place(&self, at: StartAt) -> Place {
        match at {
            StartAt::TrimHorizon => Place::After(self.last_trimmed.clone()),
            StartAt::Latest => {
                let last = self.records.back().map(|record| &record.position);
                Place::After(last.or(self.last_trimmed.as_ref()).cloned())
            }
            StartAt::AtTimestamp(at) => Place::Since(at),
            StartAt::At(sequence) => Place::At(sequence),
            StartAt::After(position) => Place::After(Some(position)),
        }
    }

    /// What a reader at `place` finds; the place moves on. Up to `room` bytes and `limit` records,
    /// but at least one record if there is one.
    pub(super) fn read(
        &self,
        place: &mut Place,
        room: usize,
        limit: usize,
        now: WallTime,
    ) -> Found {
        if self.missed(place) {
            let from = if let Place::After(position) = place { position.take() } else { None };
            let to = self.records.get(self.trimmed).map(|record| record.position.clone());
            *place = Place::After(self.last_trimmed.clone());
            return Found::Lost { from, to };
        }
        let start = self.start(place);
        let mut bytes = 0;
        let fits = |record: &&Record| {
            let first = bytes == 0;
            bytes += record.weight();
            first || bytes <= room
        };
        let records: Vec<Record> =
            self.records.range(start..).take_while(fits).take(limit.max(1)).cloned().collect();
        let Some(last) = records.last() else {
            return if self.shard.closed { Found::End } else { Found::Nothing };
        };
        *place = Place::After(Some(last.position.clone()));
        let at_tip = start + records.len() == self.records.len();
        let behind = last
            .arrival
            .map_or(0, |arrival| u64::try_from(now.since(arrival).as_millis()).unwrap_or(u64::MAX));
        let mut batch = Batch::default();
        batch.through = Some(last.position.clone());
        batch.millis_behind = Some(if at_tip { 0 } else { behind });
        batch.at_tip = at_tip;
        batch.records = records;
        Found::Batch(batch)
    }

    /// Whether a reader at `place` finds anything: records, a loss, or the end.
    pub(super) fn has_news(&self, place: &Place) -> bool {
        self.shard.closed || self.missed(place) || self.start(place) < self.records.len()
    }

    /// Whether records were trimmed that a reader at `place` had still to read.
    fn missed(&self, place: &Place) -> bool {
        match place {
            Place::After(read) => self.last_trimmed > *read,
            Place::At(sequence) => {
                self.last_trimmed.as_ref().is_some_and(|trimmed| trimmed.sequence >= *sequence)
            }
            Place::Since(at) => self.latest_trimmed.is_some_and(|trimmed| trimmed >= *at),
        }
    }

    /// Where in `records` a reader at `place` goes on.
    fn start(&self, place: &Place) -> usize {
        let behind = |record: &Record| match place {
            Place::After(read) => read.as_ref().is_some_and(|read| record.position <= *read),
            Place::At(sequence) => record.position.sequence < *sequence,
            Place::Since(at) => record.arrival.is_some_and(|arrival| arrival < *at),
        };
        let left = self.records.iter().skip(self.trimmed);
        match place {
            // Arrivals are not ordered: the first that is not too old.
            Place::Since(_) => self.trimmed + left.take_while(|record| behind(record)).count(),
            _ => self.records.partition_point(behind).max(self.trimmed),
        }
    }
}
