//! What must be true while nothing goes wrong any more, and at the end.

use kcl_core::lease::{Checkpoint, Lease};

use super::{Broken, Ledger, Place};
use crate::sim::fact::Fact;

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

    /// Everything is over, and every worker has left.
    pub(in crate::sim::live) fn check_end(&mut self, rows: &[Lease]) {
        if let Some((broken, place, why)) = self.first_missing() {
            let what = format!("{} {why}", self.name(&place));
            return self.violate(broken, what, vec![place]);
        }
        self.check_rows(rows);
        if self.expected.manual {
            return;
        }
        for row in rows {
            let Some(shard) = row.key.shard() else { continue };
            let Some(book) = self.shards.get(&shard) else { continue };
            let all = book.records.len();
            let passed = book.passed(&row.checkpoint);
            let behind = book.records.iter().skip(passed).position(|record| !record.excused);
            if let Some(behind) = behind.map(|n| n + passed).filter(|n| *n < all) {
                let place = (shard, behind);
                let what = format!("{} is processed, but no checkpoint says so", self.name(&place));
                self.violate(Broken::Library, what, vec![place]);
            }
        }
    }

    /// The first record that something is missing of, and what.
    fn first_missing(&self) -> Option<(Broken, Place, &'static str)> {
        let manual = self.expected.manual;
        for (shard, book) in &self.shards {
            for (record, n) in book.records.iter().zip(0..) {
                let done = record.is_done() || (manual && record.delivered);
                let (broken, why) = match (done, record.is_in_effect()) {
                    (true, true) => continue,
                    (true, false) => (Broken::Skipped, "was never written, and never will be"),
                    (false, true) => (Broken::Stuck, "was written, but never acknowledged"),
                    (false, false) if record.delivered => {
                        (Broken::Stuck, "was delivered, but neither written nor acknowledged")
                    }
                    (false, false) => (Broken::Stuck, "was never delivered"),
                };
                return Some((broken, (shard.clone(), n), why));
            }
        }
        None
    }
}
