//! Judges the output of a fleet: was every record delivered, in order, and by the right owner?
//!
//! The judge of simulated runs (`kcl_memory::sim::Judge`) decides. This module passes it the
//! history, as facts in one order. The real order is known only in part: the lines of one process
//! are in its order, the owners of one shard are in the order of their epochs, and lines of
//! different processes about different shards are in the order of the watcher's passes. `order`
//! chooses, of all orders that fit, the one that is best for the fleet: so a correct run is never
//! judged as wrong. `records` numbers the records, `ends` finds ended shards in the readings.

mod ends;
mod order;
mod records;

use std::time::Duration;

use kcl_core::{
    env::Time,
    lease::{Epoch, WorkerId},
    stream::{Shard, ShardId},
};
use kcl_memory::sim::{Delivered, Judge, Repeat};

use self::{
    ends::Ends,
    order::{Seen, in_order},
    records::Records,
};
use super::{Delivery, History, Produced};

/// The verdict on a history.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// The broken invariants, one line each; empty for a correct run.
    pub wrong: Vec<String>,
    /// How many records came before an earlier record of their key. They are in `wrong`, too.
    pub out_of_order: usize,
    /// The records that were delivered again: the first worker and the later one, each with the
    /// number of its process.
    pub repeats: Vec<Repeat>,
}

impl Verdict {
    /// Fails if an invariant broke.
    ///
    /// # Errors
    /// The first ten broken invariants.
    pub fn check(&self) -> anyhow::Result<()> {
        let some = &self.wrong[..self.wrong.len().min(10)];
        anyhow::ensure!(some.is_empty(), "{} things wrong: {some:#?}", self.wrong.len());
        Ok(())
    }

    /// Fails if an invariant broke, or if a record was delivered again whose first delivery was not
    /// by one of `workers`: those that died or were paused.
    ///
    /// # Errors
    /// The first ten broken invariants or repeats.
    pub fn check_repeats_of(&self, workers: &[&str]) -> anyhow::Result<()> {
        self.check()?;
        let allowed = |repeat: &&Repeat| workers.contains(&repeat.first.0.as_str());
        let wrong: Vec<_> = self.repeats.iter().filter(|repeat| !allowed(repeat)).collect();
        let some = &wrong[..wrong.len().min(10)];
        anyhow::ensure!(some.is_empty(), "{} delivered twice: {some:#?}", wrong.len());
        Ok(())
    }
}

/// Judges a history. `produced` are all records of the stream, and `shards` all its shards, from
/// which the judge takes the lineage.
#[must_use]
pub fn judge(history: &History, produced: &[Produced], shards: &[Shard]) -> Verdict {
    let mut wrong = history.broken.clone();
    let records = Records::new(history, produced);
    let mut judge = Judge::new(records.shards(shards));
    if history.stood_still {
        judge.excuse_overlap();
    }
    for (record, key) in records.by_key() {
        judge.put(record, key);
    }
    let began = history.deliveries.iter().map(|delivery| delivery.seen).fold(f64::MAX, f64::min);
    let at = |seen: f64| Time::ZERO + Duration::from_secs_f64((seen - began).max(0.0) / 1_000.0);
    let mut ends = Ends::default();
    for seen in in_order(history, shards) {
        match seen {
            Seen::Delivery(line) => {
                let told = delivered(&mut judge, at(line.seen), line, &records);
                wrong.extend(told.err().map(|error| format!("{line:?}: {error:#}")));
            }
            Seen::Rows(reading) => {
                for row in &reading.rows {
                    judge.row(at(reading.seen), row, records.passed(row));
                }
                for (row, without_row) in ends.seen_in(reading) {
                    judge.ended(at(reading.seen), row, without_row);
                }
            }
        }
    }
    judge.over(Time::ZERO);
    let disordered = judge.broken().iter().filter(|it| it.invariant == "keys come in order");
    let out_of_order = disordered.count();
    wrong.extend(judge.broken().iter().map(ToString::to_string));
    Verdict { wrong, out_of_order, repeats: judge.repeats() }
}

/// Passes one delivery to the judge.
fn delivered(
    judge: &mut Judge,
    at: Time,
    line: &Delivery,
    records: &Records<'_>,
) -> anyhow::Result<()> {
    let (worker, shard): (WorkerId, ShardId) = (line.worker.parse()?, line.shard.parse()?);
    let (worker, shard, life, epoch) = (&worker, &shard, line.life, Epoch(line.epoch));
    let (place, record) = (records.place(&line.shard, &line.sequence), records.number(line));
    judge.delivered(at, &Delivered { worker, life, shard, epoch, place, record, beside: None });
    Ok(())
}

#[cfg(test)]
mod tests;
