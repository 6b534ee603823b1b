//! Records what happens in a run. Workers, producer and script write into it under one lock, so
//! that the history has one order.

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

/// The ledger of a run. Clones share one book.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    book: Arc<Mutex<Book>>,
    clock: Arc<dyn Clock>,
    /// The start of the run, from which all times count.
    start: Time,
}

/// The history so far, and counts that the picture needs at once.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// The history. Its field `over` is set only by [`Ledger::history`].
    pub(super) history: History,
    /// Who holds which lease now.
    pub(super) holdings: Holdings,
    /// The number of moves.
    pub(super) moves: usize,
    /// The number of different records that were processed.
    pub(super) processed: usize,
    /// For each delivery, whether its record had been processed before.
    again: Vec<bool>,
    /// For each record, by its number, whether it was processed.
    seen: Vec<bool>,
    /// Worker events that must not happen in the demo. The verdict adds them to its problems.
    pub(super) troubles: Vec<String>,
}

impl Ledger {
    /// An empty ledger. Its time starts now.
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

    /// Locks the book. Writers wait meanwhile, so callers must be short.
    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the stream acknowledged a record.
    pub(super) fn produced(&self, record: Produced) {
        self.book().history.produced.push(record);
    }

    /// Notes that a worker processed a batch.
    ///
    /// # Errors
    /// A record of the batch does not come from the producer; nothing is noted then.
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

    /// Notes that a worker gained or lost a lease. Leases of roles are ignored.
    pub(super) fn turn(&self, worker: WorkerNo, key: &LeaseKey, epoch: Epoch, gained: bool) {
        let Some(shard) = key.shard() else { return };
        let mut book = self.book();
        let at = self.now();
        book.turn(Turn { worker, shard, epoch, gained, at });
    }

    /// Notes that a worker reached the end of a shard: its lease is held no more.
    pub(super) fn ended(&self, worker: WorkerNo, key: &LeaseKey) {
        let Some(shard) = key.shard() else { return };
        let epoch = self.book().holdings.epoch(&shard);
        self.turn(worker, key, epoch, false);
    }

    /// Notes that the script gave a cue, which it began at `at`.
    pub(super) fn cue(&self, cue: Cue, at: Millis) {
        let mut book = self.book();
        book.holdings.cue(&cue);
        book.history.events.push(Event { cue, at });
    }

    /// Notes something that must not happen in the demo.
    pub(super) fn trouble(&self, what: String) {
        self.book().troubles.push(what);
    }

    /// A copy of the history until now.
    pub(super) fn history(&self) -> History {
        let over = self.now();
        History { over, ..self.book().history.clone() }
    }
}

impl Book {
    /// Adds a delivery, and notes whether its record had been processed before.
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

    /// Adds a turn, and counts it if it is a move.
    fn turn(&mut self, turn: Turn) {
        self.moves += usize::from(self.holdings.turn(&turn));
        self.history.turns.push(turn);
    }

    /// The number of deliveries of records that had been processed before.
    pub(super) fn duplicates(&self) -> usize {
        self.history.deliveries.len() - self.processed
    }

    /// The first deliveries of the second before `now`, the newest first.
    pub(super) fn last_second(&self, now: Millis) -> Vec<&Delivery> {
        let recent = self.history.deliveries.iter().zip(&self.again).rev();
        let recent = recent.take_while(|(delivery, _)| delivery.at + 1_000 >= now);
        recent.filter(|(_, again)| !**again).map(|(delivery, _)| delivery).collect()
    }
}
