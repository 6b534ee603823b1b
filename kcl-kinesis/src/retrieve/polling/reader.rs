//! [`PollingReader`]: the reader of one shard.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use kcl_core::{
    env::Time,
    stream::{
        Batch, ByteLimit, Position, ReadEvent, Record, ShardId, ShardReader, SourceErrorKind,
        SourceResult, StartAt,
    },
};

use super::{
    Call,
    calls::ShardCalls,
    pace::CALL_INTERVAL,
    settings::Polling,
    sizing::Sizing,
    standstill::{Nothing, Standstill},
};
use crate::{
    decode::{Answer, Cursor, End, Next, Unpacker},
    discover::Stream,
    service::{Failure, IteratorAt, convert},
};

/// How often one call of `next` renews a stale iterator before it returns the error. An iterator is
/// stale if it has expired, or if a restarted server does not know it.
const RENEWALS: u32 = 3;

/// Reads a shard by polling.
///
/// All state that outlives a call of `next` is in the fields, which are consistent at every await:
/// if a call is cancelled, nothing is lost.
pub(crate) struct PollingReader {
    polling: Arc<Polling>,
    pub(super) calls: ShardCalls,
    pub(super) cursor: Cursor,
    /// An answer that was received and not yet delivered.
    pub(super) held: Option<Answer>,
    iterator: Option<String>,
    sizing: Sizing,
    /// The earliest time for the next read, apart from the rate limits.
    due: Time,
    unpacker: Unpacker,
    /// The lag in the last answer.
    millis_behind: Option<u64>,
    /// The end of the shard, as far as the answers have shown it.
    pub(super) end: End,
    standstill: Standstill,
}

impl PollingReader {
    pub(crate) fn new(
        stream: Arc<Stream>,
        polling: Arc<Polling>,
        shard: ShardId,
        start: StartAt,
    ) -> Self {
        Self {
            unpacker: Unpacker::new(stream.range(&shard)),
            sizing: Sizing::new(polling.max_records),
            calls: ShardCalls::new(stream, &polling, shard),
            polling,
            cursor: Cursor::new(start),
            held: None,
            iterator: None,
            due: Time::ZERO,
            millis_behind: None,
            end: End::default(),
            standstill: Standstill::new(),
        }
    }

    /// Sends calls until an answer is in `held`, at most until `deadline`. Returns an event if
    /// there is one to report first, or an empty batch at the deadline.
    async fn fetch(&mut self, room: ByteLimit, deadline: Time) -> SourceResult<Option<ReadEvent>> {
        let mut refused = None;
        let mut renewals = 0;
        while self.held.is_none() {
            let call = self.next_call();
            if !self.calls.turn(call, self.due, deadline).await {
                return match refused {
                    Some(failure) => Err(self.calls.explain(call, failure).await),
                    None => Ok(Some(ReadEvent::Batch(self.batch(Vec::new(), false)))),
                };
            }
            let outcome = match self.iterator.clone() {
                Some(iterator) => self.read(&iterator, room).await,
                None => self.renew().await,
            };
            let Err(failure) = outcome else { continue };
            if failure.kind() == SourceErrorKind::Throttled {
                refused = Some(failure);
                continue;
            }
            // The iterator may be the cause of any other error, so it is not used again.
            self.iterator = None;
            let stale = failure.is("ExpiredIteratorException")
                || (call == Call::Records && failure.kind() == SourceErrorKind::Misconfigured);
            if stale {
                self.stood(Nothing::Refused);
                if let Some(event) = self.standstill.tell() {
                    return Ok(Some(event));
                }
            }
            if stale && renewals < RENEWALS {
                renewals += 1;
                continue;
            }
            return match (call, self.cursor.iterator_at()) {
                (Call::Iterator, IteratorAt::Record(number))
                    if failure.kind() == SourceErrorKind::Misconfigured =>
                {
                    self.refused(&number, failure).await.map(Some)
                }
                _ => Err(self.calls.explain(call, failure).await),
            };
        }
        Ok(None)
    }

    /// The kind of the next call: a new iterator if there is none.
    const fn next_call(&self) -> Call {
        if self.iterator.is_some() { Call::Records } else { Call::Iterator }
    }

    /// Requests an iterator at the position of the cursor.
    async fn renew(&mut self) -> Result<(), Failure> {
        let at = self.cursor.iterator_at();
        let iterator = self.calls.iterator(&at).await?;
        self.cursor.given(at, &iterator);
        self.iterator = Some(iterator.token);
        Ok(())
    }

    /// Sends one read, and keeps its answer in `held`.
    async fn read(&mut self, iterator: &str, room: ByteLimit) -> Result<(), Failure> {
        let limit = self.sizing.limit(room);
        self.held = Some(self.calls.records(iterator, limit).await?);
        Ok(())
    }

    /// Looks up the hash range of the shard if the answer in `held` needs it.
    async fn learn_range(&mut self) {
        if self.held.as_ref().is_some_and(|held| self.unpacker.wants_range(&held.records)) {
            match self.calls.stream.learn_range(&self.calls.shard).await {
                Ok(range) => self.unpacker.learn_range(range),
                // Looked up again at the next aggregate.
                Err(error) => {
                    tracing::debug!(shard = %self.calls.shard, %error, "kcl.range.unknown");
                }
            }
        }
    }

    /// Converts an answer to a batch, and moves the cursor behind its records.
    fn deliver(&mut self, mut answer: Answer) -> Result<Batch, Failure> {
        let asked = answer.records.len();
        let records = convert::records(answer.records).map_err(Failure::corrupt)?;
        let last = records.last().map(|last| (last.position.clone(), last.arrival));
        let mut records = self.unpacker.unpack(records, &self.calls.shard, self.calls.now());
        let weight = records.iter().map(Record::weight).sum();
        self.sizing.observe(asked, weight, !answer.is_idle);
        let before = self.stand();
        if let Some((mut through, arrival)) = last {
            if let Some(part) = records.last().filter(|part| part.position > through) {
                through = part.position.clone();
            }
            self.cursor.drop_unwanted(&mut records);
            self.cursor.pass(through, arrival);
        }
        let stand = self.stand();
        if asked > 0 && self.end.is_unclear(&stand) {
            // These records were passed before; the next answer shows whether more follow.
            (answer.is_idle, answer.at_tip) = (false, false);
        }
        let pause = match asked {
            _ if answer.is_idle => self.polling.idle_poll,
            // A part of the shard without records: read on, but within the rate limit.
            0 => CALL_INTERVAL,
            _ => Duration::ZERO,
        };
        self.due = answer.sent + pause;
        if answer.at_tip {
            self.cursor.catch_up(answer.sent);
        }
        match &answer.next {
            _ if stand != before => self.standstill.moved(),
            Next::Iterator(_) if answer.is_idle => self.standstill.idled(),
            Next::Iterator(_) => {
                self.standstill.crossed(answer.millis_behind);
                self.slow_down();
            }
            Next::Unclear => self.stood(Nothing::NoIterator),
            Next::End(_) => {}
        }
        self.iterator = self.end.after(answer.next, stand);
        self.millis_behind = answer.millis_behind;
        Ok(self.batch(records, answer.at_tip))
    }

    /// The last position passed; `None` before the first record.
    fn stand(&self) -> Option<Position> {
        self.cursor.passed().map(|passed| passed.position.clone())
    }

    /// Records that a call made no progress.
    pub(super) fn stood(&mut self, what: Nothing) {
        self.standstill.stood(what);
        self.slow_down();
    }

    /// Postpones the next read by the pause of the standstill.
    fn slow_down(&mut self) {
        self.due = self.due.max(self.calls.now() + self.standstill.pause());
    }

    /// Makes a batch at the present position and lag.
    fn batch(&self, records: Vec<Record>, at_tip: bool) -> Batch {
        let mut batch = Batch::of(records);
        batch.through = self.stand();
        batch.millis_behind = self.millis_behind;
        batch.at_tip = at_tip;
        batch
    }
}

#[async_trait]
impl ShardReader for PollingReader {
    fn size_hint(&self) -> ByteLimit {
        self.sizing.size_hint()
    }

    /// Waits until the next call is due and within the rate limits, or returns at once if there is
    /// an event to report.
    async fn ready(&mut self) {
        let has_news = self.held.is_some() || self.end.ending.is_some() || self.standstill.is_due();
        if !has_news {
            self.calls.wait_for(self.next_call(), self.due).await;
        }
    }

    async fn next(&mut self, room: ByteLimit) -> SourceResult<ReadEvent> {
        let deadline = self.calls.now() + self.polling.idle_poll;
        loop {
            if let Some(event) = self.standstill.tell() {
                return Ok(event);
            }
            if let Some(ending) = self.end.ending.clone() {
                return self.end(ending).await;
            }
            if let Some(event) = self.fetch(room, deadline).await? {
                return Ok(event);
            }
            if let Some(lost) = self.gap().await? {
                return Ok(lost);
            }
            self.learn_range().await;
            let Some(answer) = self.held.take() else { continue };
            let batch = match self.deliver(answer) {
                Ok(batch) => batch,
                Err(failure) => return Err(self.calls.explain(Call::Records, failure).await),
            };
            let has_something = !batch.records.is_empty() || batch.at_tip;
            if has_something || (self.end.ending.is_none() && self.calls.now() >= deadline) {
                return Ok(ReadEvent::Batch(batch));
            }
        }
    }
}

impl fmt::Debug for PollingReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollingReader")
            .field("shard", &self.calls.shard)
            .field("cursor", &self.cursor)
            .finish_non_exhaustive()
    }
}
