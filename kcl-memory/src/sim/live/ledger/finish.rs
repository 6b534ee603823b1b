//! What is told while nothing goes wrong any more, and at the end.

use std::time::Duration;

use kcl_core::{
    lease::{Checkpoint, Lease},
    stream::ShardId,
};

use super::{Ledger, Place, ShardBook};
use crate::sim::{
    fact::{Fact, Finished},
    live::fleet::Process,
};

impl Ledger {
    /// Whether the fleet is done with everything that was put.
    pub(in crate::sim::live) fn is_settled(&self) -> bool {
        let manual = self.expected.manual;
        self.shards.values().all(|book| {
            let done = book.records.iter().all(|record| {
                record.is_in_effect() && (record.is_done() || (manual && record.delivered))
            });
            done && (book.ended || !book.closed)
        })
    }

    /// The lease rows, as they are in the store.
    pub(in crate::sim::live) fn check_rows(&mut self, rows: &[Lease]) {
        for row in rows {
            let Some(shard) = row.key.shard() else { continue };
            let Some(book) = self.shards.get(&shard) else { continue };
            let passed = book.passed(&row.checkpoint);
            if row.checkpoint == Checkpoint::ShardEnd {
                self.learn(&Fact::EndSeen { shard: &shard }, |_| Vec::new());
            }
            self.check_checkpoint(&shard, passed);
        }
    }

    /// A worker was asked to leave so long ago.
    pub(in crate::sim::live) fn asked_to_leave(&mut self, process: &Process, ago: Duration) {
        let (worker, stays) = (process.name(), !process.is_dead());
        self.learn(&Fact::AskedToLeave { worker, ago, stays }, |_| Vec::new());
    }

    /// A worker has ended; how, if nobody asked it to.
    pub(in crate::sim::live) fn worker_ended(&mut self, worker: &str, unasked: Option<String>) {
        self.learn(&Fact::WorkerEnded { worker, unasked }, |_| Vec::new());
    }

    /// Everything is over, and every worker has left.
    pub(in crate::sim::live) fn check_end(&mut self, rows: &[Lease]) {
        self.tell_finished();
        self.check_rows(rows);
        if self.expected.manual {
            return;
        }
        for row in rows {
            let Some(shard) = row.key.shard() else { continue };
            let Some(book) = self.shards.get(&shard) else { continue };
            let passed = book.passed(&row.checkpoint);
            let behind = book.records.iter().skip(passed).position(|record| !record.excused);
            let place = behind.map(|n| (shard, n + passed));
            let record = place.as_ref().map(|place| self.name(place));
            self.learn(&Fact::Uncovered { record }, |_| place.into_iter().collect());
        }
    }

    /// What became of each record.
    fn tell_finished(&mut self) {
        let manual = self.expected.manual;
        let all = |(shard, book): (&ShardId, &ShardBook)| {
            let places = 0..book.records.len();
            places.map(|n| (shard.clone(), n)).collect::<Vec<Place>>()
        };
        let places: Vec<Place> = self.shards.iter().flat_map(all).collect();
        for place in places {
            let Some(record) = self.record(&place) else { continue };
            let (delivered, in_effect) = (record.delivered, record.is_in_effect());
            let processed = record.is_done() || (manual && delivered);
            let record = &self.name(&place);
            let finished = Finished { record, delivered, processed, in_effect };
            self.learn(&Fact::Finished(finished), |_| vec![place]);
        }
    }
}
