//! What workers are given, and what they say of it.

use std::ops::Range;

use kcl_core::{
    lease::{Checkpoint, LeaseKey},
    processor::{LeaseHandle, RecordBatch},
    stream::{Position, Record, ShardId},
};

use super::{Ledger, Place, RecordBook, tenancy::Tenancy};
use crate::sim::{
    fact::{Batch, Fact},
    invariants,
    live::fleet::Process,
};

/// How a dispatch ended.
pub(in crate::sim::live) enum Ended {
    Acknowledged,
    Failed(String),
    /// The future was dropped, or panicked.
    Dropped,
}

impl Ledger {
    /// A processor is made for a lease.
    pub(in crate::sim::live) fn gained(&mut self, process: &Process, lease: &LeaseHandle) {
        let (shard, epoch) = (lease.shard().clone(), lease.fence().epoch);
        let key = (process.name().to_owned(), shard.clone(), epoch);
        if let Some(tenancy) = self.tenancies.get_mut(&key) {
            tenancy.rewound = self.expected.manual;
            return self.note(process.name(), format!("{} makes its processor anew", key.0));
        }
        let now = self.now();
        let Some(book) = self.shards.get_mut(&shard) else { return };
        let next = book.passed(lease.started_at());
        let at_horizon = !matches!(lease.started_at(), Checkpoint::After(_));
        book.epochs.insert(epoch, key.0.clone());
        // What it starts behind is passed over for good.
        let behind = if next == 0 { "at the beginning".into() } else { format!("behind {next}") };
        let text = format!("{} holds {shard} under epoch {epoch}, {behind}", key.0);
        self.log.note_records(now, process.name(), (&shard, 0..next), text);
        self.tenancies.insert(key, Tenancy { next, at_horizon, rewound: false });
        let fact = Fact::Holds { worker: process.name(), shard: &shard, epoch };
        self.learn(&fact, |_| Vec::new());
        self.check_checkpoint(&shard, next);
    }

    /// Every record before `passed` is checkpointed.
    pub(super) fn check_checkpoint(&mut self, shard: &ShardId, passed: usize) {
        let by_batch = self.expected.acknowledged_by_batch;
        let Some(book) = self.shards.get(shard) else { return };
        let ahead = book
            .records
            .iter()
            .take(passed)
            .position(|record| !record.is_done() && (by_batch || !record.delivered));
        let place = ahead.map(|ahead| (shard.clone(), ahead));
        let unprocessed = place.as_ref().map(|place| self.name(place));
        self.learn(&Fact::Covered { unprocessed }, |_| place.into_iter().collect());
    }

    /// A batch is given to a processor.
    pub(in crate::sim::live) fn dispatched(&mut self, process: &Process, batch: &RecordBatch) {
        let Some((shard, range)) = self.range(batch) else { return };
        let (first, holes) = ((shard.clone(), range.start), range.len() != batch.len());
        let now = self.now();
        let (worker, records) = (process.name(), self.names(&shard, range.start, range.end - 1));
        let text = format!("{worker} is given {records}");
        self.log.note_records(now, worker, (&shard, range.clone()), text);
        let next = self.other_next(process, batch, &first);
        let unread = self.unread_of_parents(&shard);
        let Some(book) = self.shards.get_mut(&shard) else { return };
        let beside = book.in_hand.replace(worker.to_owned()).filter(|other| other != worker);
        let again = book.records.get(range.clone()).is_some_and(is_any_acknowledged);
        book.records.iter_mut().take(range.end).skip(range.start).for_each(|r| r.delivered = true);
        let fact = Fact::Batch(Batch {
            worker,
            shard: &shard,
            records: &records,
            first: &self.name(&first),
            holes,
            next: next.as_ref().map(|next| self.name(next)),
            unread: unread.as_ref().map(|unread| self.name(unread)),
            beside,
            again,
        });
        self.learn(&fact, |invariant| {
            let other = match invariant {
                invariants::RECORDS_IN_ORDER => next.filter(|_| !holes),
                invariants::PARENTS_FIRST => unread,
                _ => None,
            };
            other.into_iter().chain([first]).collect()
        });
    }

    /// The first record that is not processed under this lease, if the batch does not start there.
    fn other_next(
        &mut self,
        process: &Process,
        batch: &RecordBatch,
        (shard, first): &Place,
    ) -> Option<Place> {
        let first = *first;
        let key = (process.name().to_owned(), shard.clone(), batch.fence().epoch);
        let (tenancy, book) = (self.tenancies.get_mut(&key)?, self.shards.get_mut(shard)?);
        while tenancy.next < first {
            let Some(record) = book.records.get_mut(tenancy.next) else { break };
            // Before anything was read, the beginning is wherever the stream begins.
            if tenancy.at_horizon && tenancy.next < book.trimmed && !record.acknowledged {
                record.excused = true;
            }
            let gone = tenancy.next < book.trimmed && record.acknowledged;
            if !record.excused && !gone {
                break;
            }
            tenancy.next += 1;
        }
        tenancy.at_horizon = false;
        if std::mem::take(&mut tenancy.rewound) {
            tenancy.next = tenancy.next.min(first);
        }
        (tenancy.next != first).then(|| (shard.clone(), tenancy.next))
    }

    /// A record of a parent of the shard that is not processed.
    fn unread_of_parents(&self, shard: &ShardId) -> Option<Place> {
        let by_batch = self.expected.acknowledged_by_batch;
        let parents = &self.shards.get(shard)?.parents;
        parents.iter().find_map(|parent| {
            let mut records = self.shards.get(parent)?.records.iter();
            let is_unread =
                |record: &RecordBook| !record.is_done() && (by_batch || !record.delivered);
            Some((parent.clone(), records.position(is_unread)?))
        })
    }

    /// The processor is done with a batch, or was interrupted.
    pub(in crate::sim::live) fn dispatch_ended(
        &mut self,
        process: &Process,
        batch: &RecordBatch,
        ended: Ended,
    ) {
        let Some((shard, range)) = self.range(batch) else { return };
        let (name, now) = (process.name(), self.now());
        let names = self.names(&shard, range.start, range.end - 1);
        let Some(book) = self.shards.get_mut(&shard) else { return };
        if book.in_hand.as_deref() == Some(name) {
            book.in_hand = None;
        }
        let text = match ended {
            Ended::Acknowledged => {
                let records = book.records.iter_mut().take(range.end).skip(range.start);
                records.for_each(|record| record.acknowledged = true);
                let key = (name.to_owned(), shard.clone(), batch.fence().epoch);
                if let Some(tenancy) = self.tenancies.get_mut(&key) {
                    tenancy.next = range.end;
                }
                let bytes: usize = batch.iter().map(Record::weight).sum();
                if let Some(held) = self.unprocessed.get_mut(&(key.0, key.1)) {
                    *held = held.saturating_sub(bytes);
                }
                format!("{name} acknowledges {names}")
            }
            Ended::Failed(error) => format!("{name} fails on {names}: {error}"),
            Ended::Dropped => format!("{name} is interrupted in {names}"),
        };
        self.log.note_records(now, name, (&shard, range), text);
    }

    /// The end of a shard is acknowledged.
    pub(in crate::sim::live) fn end_acknowledged(
        &mut self,
        process: &Process,
        lease: &LeaseHandle,
    ) {
        let shard = lease.shard().clone();
        self.note(process.name(), format!("{} acknowledges the end of {shard}", process.name()));
        let Some(book) = self.shards.get_mut(&shard) else { return };
        book.ended = true;
        let (open, all) = (!book.closed, book.records.len());
        self.learn(&Fact::EndAcknowledged { shard: &shard, open }, |_| Vec::new());
        self.check_checkpoint(&shard, all);
    }

    /// A processor is dropped.
    pub(in crate::sim::live) fn gave_up(&mut self, process: &Process, lease: &LeaseHandle) {
        let key = (process.name().to_owned(), lease.shard().clone());
        self.unprocessed.remove(&key);
        let text = format!("{} drops its processor of {} ({})", key.0, key.1, lease.fence().epoch);
        self.note(process.name(), text);
    }

    /// A worker says that records are gone.
    pub(in crate::sim::live) fn lost(
        &mut self,
        process: &str,
        key: &LeaseKey,
        (from, to): (Option<&Position>, Option<&Position>),
    ) {
        let Some(shard) = key.shard() else { return };
        let Some(book) = self.shards.get_mut(&shard) else { return };
        let passed = |at: &Position| book.records.partition_point(|r| r.position <= *at);
        let start = from.map_or(0, passed);
        let end = to.map_or(book.records.len(), |to| {
            book.records.partition_point(|record| record.position < *to)
        });
        let (trimmed, range) = (book.trimmed, start..end.max(start));
        let manual = self.expected.manual;
        for record in book.records.iter_mut().take(range.end).skip(range.start) {
            // What is acknowledged may be in a buffer that is gone.
            record.excused |= !record.acknowledged || (manual && record.effects == 0);
        }
        let text = format!("{process} reports {} records of {shard} as lost", range.len());
        let now = self.now();
        self.log.note_records(now, process, (&shard, range.clone()), text);
        let place = (range.end > trimmed).then(|| (shard, range.end - 1));
        let kept = place.as_ref().map(|place| self.name(place));
        let fact = Fact::LossReported { worker: process, kept };
        self.learn(&fact, |_| place.into_iter().collect());
    }

    /// A worker says that a record was skipped, as its policy wants.
    pub(in crate::sim::live) fn skipped(&mut self, process: &str, at: &Position) {
        let Some((shard, n)) = self.place(at) else { return };
        let Some(record) = self.shards.get_mut(&shard).and_then(|book| book.records.get_mut(n))
        else {
            return;
        };
        record.excused = true;
        let text = format!("{process} skips record {}, as its policy says", record.number);
        let now = self.now();
        self.log.note_records(now, process, (&shard, n..n + 1), text);
    }

    /// A process opens a reader.
    pub(in crate::sim::live) fn read_anew(&mut self, process: &Process, shard: &ShardId) {
        self.unprocessed.remove(&(process.name().to_owned(), shard.clone()));
    }

    /// A process reads so many bytes of a shard.
    pub(in crate::sim::live) fn read(&mut self, process: &Process, shard: &ShardId, bytes: usize) {
        let key = (process.name().to_owned(), shard.clone());
        *self.unprocessed.entry(key).or_default() += bytes;
        let mine = self.unprocessed.iter().filter(|((name, _), _)| name == process.name());
        let (shards, held) = mine.fold((0, 0), |(n, sum), (_, bytes)| (n + 1, sum + bytes));
        let (worker, budget, largest) =
            (process.name(), self.expected.byte_budget, self.largest_record);
        let fact = Fact::Held { worker, bytes: held, shards, budget, largest };
        self.learn(&fact, |_| Vec::new());
    }

    /// A process that lives has dropped a reader and not closed it.
    pub(in crate::sim::live) fn unclosed(&mut self, process: &Process, shard: &ShardId) {
        let fact = Fact::ReaderLeftOpen { worker: process.name(), shard };
        self.learn(&fact, |_| Vec::new());
    }

    fn range(&self, batch: &RecordBatch) -> Option<(ShardId, Range<usize>)> {
        let (shard, first): Place = self.place(&batch.first()?.position)?;
        let (_, last) = self.place(&batch.last()?.position)?;
        Some((shard, first..last + 1))
    }
}

fn is_any_acknowledged(records: &[RecordBook]) -> bool {
    records.iter().any(|record| record.acknowledged)
}
