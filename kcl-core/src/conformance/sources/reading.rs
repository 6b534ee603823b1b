//! Reads a shard as a worker does, and keeps every event.

use std::{sync::Arc, time::Duration};

use crate::{
    conformance::failure::{Check, Failure, check, same},
    env::Clock,
    stream::{Batch, ByteLimit, Position, ReadEvent, Record, Shard, ShardReader, SourceResult},
};

/// A byte limit above the size of everything that a case puts.
pub(super) const ROOM: ByteLimit = ByteLimit(16 << 20);

/// The number of reads after which a case gives up waiting.
const MOST_READS: u32 = 2_000;

/// A reader, and every event that it has returned.
pub(super) struct Reading {
    pub(super) reader: Box<dyn ShardReader>,
    pub(super) seen: Seen,
    /// The shard and the start of the reader, for failures.
    what: String,
    clock: Arc<dyn Clock>,
}

/// The events that a reader has returned.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) records: Vec<Record>,
    /// The losses: the positions before and after each, and the number of records read before it.
    pub(super) lost: Vec<(Option<Position>, Option<Position>, usize)>,
    /// The end of the shard with its children, which are `None` if the source does not name them.
    pub(super) end: Option<Option<Vec<Shard>>>,
    /// The number of reads that failed with a retryable error.
    pub(super) failures: u32,
    /// Whether the last event was an empty batch at the tip of the shard.
    at_rest: bool,
}

/// The event at which reading stops.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    /// This number of records has been read in all.
    Records(usize),
    /// The last event is an empty batch at the tip of the shard.
    Rest,
    /// The end of the shard.
    End,
}

impl Reading {
    pub(super) fn new(reader: Box<dyn ShardReader>, what: String, clock: Arc<dyn Clock>) -> Self {
        Self { reader, seen: Seen::default(), what, clock }
    }

    /// Reads on. A failing read fails the case.
    pub(super) async fn read(&mut self, until: Until) -> Check {
        let before = self.seen.failures;
        self.read_in_trouble(until).await?;
        check(self.seen.failures == before, || format!("a read of {} failed", self.what))
    }

    /// Reads on. Reads may fail with retryable errors.
    pub(super) async fn read_in_trouble(&mut self, until: Until) -> Check {
        for _ in 0..MOST_READS {
            if self.seen.reaches(until) {
                return Ok(());
            }
            let ended = self.seen.end.is_some();
            check(!ended, || format!("{} ended before {until:?}: {:?}", self.what, self.seen))?;
            self.step(ROOM).await?;
        }
        let (what, seen) = (&self.what, &self.seen);
        Err(Failure::new(format!(
            "{what}: {until:?} is not reached in {MOST_READS} reads: {seen:?}"
        )))
    }

    /// Makes one read as a worker does: `ready`, then `next`. Returns the batch, if it is one.
    pub(super) async fn step(&mut self, room: ByteLimit) -> Result<Option<Batch>, Failure> {
        self.reader.ready().await;
        let told = self.reader.next(room).await;
        let failed = told.is_err();
        let batch = self.seen.note(told)?;
        if failed {
            self.clock.sleep(Duration::from_millis(20)).await;
        }
        Ok(batch)
    }

    /// Fails unless exactly these records have been read, in this order, and none was lost.
    pub(super) fn has_seen(&self, texts: &[String]) -> Check {
        let seen: Vec<_> = self.seen.records.iter().map(text).collect();
        same(format!("the records of {}", self.what), &seen, &texts.to_vec())?;
        same(format!("what is lost of {}", self.what), &self.seen.lost, &Vec::new())
    }

    /// Reads to the tip of the shard, and fails unless exactly these records have been read.
    pub(super) async fn brings(&mut self, texts: &[String]) -> Check {
        self.read(Until::Records(texts.len())).await?;
        self.read(Until::Rest).await?;
        self.has_seen(texts)
    }

    /// Closes the reader as a worker does.
    pub(super) async fn close(self) {
        self.reader.close().await;
    }
}

impl Seen {
    /// Keeps one event. An error that is not retryable fails the case.
    pub(super) fn note(&mut self, told: SourceResult<ReadEvent>) -> Result<Option<Batch>, Failure> {
        self.at_rest = false;
        match told {
            Ok(ReadEvent::Batch(batch)) => {
                self.at_rest = batch.records.is_empty() && batch.at_tip;
                self.records.extend(batch.records.iter().cloned());
                return Ok(Some(batch));
            }
            Ok(ReadEvent::Lost { from, to }) => self.lost.push((from, to, self.records.len())),
            Ok(ReadEvent::Standstill { .. }) => {}
            Ok(ReadEvent::End { children, .. }) => self.end = Some(children),
            Err(error) if error.is_retryable() => self.failures += 1,
            Err(error) => return Err(error.into()),
        }
        Ok(None)
    }

    /// True once the events so far have reached `until`.
    fn reaches(&self, until: Until) -> bool {
        match until {
            Until::Records(records) => self.records.len() >= records,
            Until::Rest => self.at_rest,
            Until::End => self.end.is_some(),
        }
    }
}

/// The payload of a record, as text.
pub(super) fn text(record: &Record) -> String {
    String::from_utf8_lossy(&record.data).into_owned()
}
