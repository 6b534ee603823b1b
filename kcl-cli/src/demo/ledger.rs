//! The book of a run: everybody writes into it what happened, in one order.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kcl_core::{
    env::{Clock, Env, Time},
    lease::{Epoch, LeaseKey},
    processor::RecordBatch,
    stream::Record,
};

use super::{
    facts::{Cue, Delivery, Event, History, Millis, Produced, Turn, WorkerNo},
    holdings::Holdings,
    payload::Payload,
};

/// The book of a run. Clones write into the same one.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    book: Arc<Mutex<Book>>,
    clock: Arc<dyn Clock>,
    start: Time,
}

/// What is written so far, and what is counted on the way.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) history: History,
    pub(super) holdings: Holdings,
    /// Moves so far.
    pub(super) moves: usize,
    /// Different records processed so far.
    pub(super) processed: usize,
    /// Of each delivery, whether its record had been processed before.
    again: Vec<bool>,
    /// Whether each record was processed, by its number.
    seen: Vec<bool>,
    /// What must not happen and did, apart from what the judge finds.
    pub(super) troubles: Vec<String>,
}

impl Ledger {
    /// An empty book. Its time starts now.
    pub(super) fn new(env: &Env) -> Self {
        let clock = Arc::clone(&env.clock);
        let start = clock.now();
        Self { book: Arc::default(), clock, start }
    }

    /// The time since the start of the run.
    pub(super) fn now(&self) -> Millis {
        let since = self.clock.now().since(self.start).as_millis();
        Millis::try_from(since).unwrap_or(Millis::MAX)
    }

    /// The book, to read.
    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A record was acknowledged by the stream.
    pub(super) fn produced(&self, record: Produced) {
        self.book().history.produced.push(record);
    }

    /// A batch was processed.
    ///
    /// # Errors
    /// When a record is none that the producer made.
    pub(super) fn processed(&self, worker: WorkerNo, batch: &RecordBatch) -> anyhow::Result<()> {
        let payload = |record: &Record| Payload::try_from(record.data.as_ref());
        let payloads = batch.iter().map(payload).collect::<anyhow::Result<Vec<_>>>()?;
        let mut book = self.book();
        let at = self.now();
        for (record, payload) in batch.iter().zip(payloads) {
            book.deliver(Delivery {
                worker,
                shard: batch.shard().clone(),
                epoch: batch.fence().epoch,
                sequence: record.position.sequence.clone(),
                id: payload.id,
                at,
                lag: at.saturating_sub(payload.sent),
            });
        }
        Ok(())
    }

    /// A worker gained or lost a lease.
    pub(super) fn turn(&self, worker: WorkerNo, key: &LeaseKey, epoch: Epoch, gained: bool) {
        let Some(shard) = key.shard() else { return };
        let mut book = self.book();
        let at = self.now();
        book.turn(Turn { worker, shard, epoch, gained, at });
    }

    /// A worker came to the end of a shard.
    pub(super) fn ended(&self, worker: WorkerNo, key: &LeaseKey) {
        let Some(shard) = key.shard() else { return };
        let epoch = self.book().holdings.epoch(&shard);
        self.turn(worker, key, epoch, false);
    }

    /// Something is done to the fleet, and was begun at `at`.
    pub(super) fn cue(&self, cue: Cue, at: Millis) {
        let mut book = self.book();
        book.holdings.cue(&cue);
        book.history.events.push(Event { cue, at });
    }

    /// Something that must not happen did.
    pub(super) fn trouble(&self, what: String) {
        self.book().troubles.push(what);
    }

    /// Everything that happened until now.
    pub(super) fn history(&self) -> History {
        let over = self.now();
        History { over, ..self.book().history.clone() }
    }
}

impl Book {
    fn deliver(&mut self, delivery: Delivery) {
        let at = usize::try_from(delivery.id).unwrap_or(usize::MAX);
        if at >= self.seen.len() && at < usize::MAX {
            self.seen.resize(at + 1, false);
        }
        let seen = self.seen.get_mut(at);
        let again = seen.is_some_and(|seen| std::mem::replace(seen, true));
        self.processed += usize::from(!again);
        self.again.push(again);
        self.history.deliveries.push(delivery);
    }

    fn turn(&mut self, turn: Turn) {
        self.moves += usize::from(self.holdings.turn(&turn));
        self.history.turns.push(turn);
    }

    /// Records that were processed again.
    pub(super) fn duplicates(&self) -> usize {
        self.history.deliveries.len() - self.processed
    }

    /// What was processed for the first time in the second before `now`, the newest first.
    pub(super) fn last_second(&self, now: Millis) -> Vec<&Delivery> {
        let recent = self.history.deliveries.iter().zip(&self.again).rev();
        let recent = recent.take_while(|(delivery, _)| delivery.at + 1_000 >= now);
        recent.filter(|(_, again)| !**again).map(|(delivery, _)| delivery).collect()
    }
}
