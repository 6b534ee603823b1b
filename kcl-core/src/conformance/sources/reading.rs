//! Reading a shard, and keeping what is seen.

use std::{sync::Arc, time::Duration};

use crate::{
    conformance::failure::{Check, Failure, check, same},
    env::Clock,
    stream::{Batch, ByteLimit, Position, ReadEvent, Record, Shard, ShardReader, SourceResult},
};

/// Room for everything that a case puts.
pub(super) const ROOM: ByteLimit = ByteLimit(16 << 20);

/// So many reads bring whatever a case waits for.
const MOST_READS: u32 = 2_000;

/// A reader, and everything that it told.
pub(super) struct Reading {
    pub(super) reader: Box<dyn ShardReader>,
    pub(super) seen: Seen,
    /// What is read, for people.
    what: String,
    clock: Arc<dyn Clock>,
}

/// What a reader told.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) records: Vec<Record>,
    /// Between which positions, and how many records had come before.
    pub(super) lost: Vec<(Option<Position>, Option<Position>, usize)>,
    /// The children, if the source names them.
    pub(super) end: Option<Option<Vec<Shard>>>,
    /// How many reads failed and may be made again.
    pub(super) failures: u32,
    /// Whether the last answer said that there is no more, and had nothing.
    at_rest: bool,
}

/// Until when to read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    /// So many records were seen in all.
    Records(usize),
    /// An answer holds nothing and says that this is the tip.
    Rest,
    /// The end of the shard.
    End,
}

impl Reading {
    pub(super) fn new(reader: Box<dyn ShardReader>, what: String, clock: Arc<dyn Clock>) -> Self {
        Self { reader, seen: Seen::default(), what, clock }
    }

    /// Reads on. Nothing may fail.
    pub(super) async fn read(&mut self, until: Until) -> Check {
        let before = self.seen.failures;
        self.read_in_trouble(until).await?;
        check(self.seen.failures == before, || format!("a read of {} failed", self.what))
    }

    /// Reads on. Reads may fail for a while.
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

    /// One read, as a worker makes it; what it brought.
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

    /// What was seen are these records alone, in this order, and each once.
    pub(super) fn has_seen(&self, texts: &[String]) -> Check {
        let seen: Vec<_> = self.seen.records.iter().map(text).collect();
        same(format!("the records of {}", self.what), &seen, &texts.to_vec())?;
        same(format!("what is lost of {}", self.what), &self.seen.lost, &Vec::new())
    }

    /// Reads until so many records are there, and nothing follows them, and compares.
    pub(super) async fn brings(&mut self, texts: &[String]) -> Check {
        self.read(Until::Records(texts.len())).await?;
        self.read(Until::Rest).await?;
        self.has_seen(texts)
    }

    pub(super) async fn close(self) {
        self.reader.close().await;
    }
}

impl Seen {
    /// Keeps what was told. What cannot be tried again is a failure of the case.
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

    fn reaches(&self, until: Until) -> bool {
        match until {
            Until::Records(records) => self.records.len() >= records,
            Until::Rest => self.at_rest,
            Until::End => self.end.is_some(),
        }
    }
}

/// A record's payload.
pub(super) fn text(record: &Record) -> String {
    String::from_utf8_lossy(&record.data).into_owned()
}
