//! Judging what consumers wrote by what was put into the stream.
//!
//! What is wrong is for the judge of simulated runs to say. Here is what it has to be told: which
//! record is which, and an order. One process's lines are in its order, and the processes that held
//! a shard are in the order of their epochs; what different processes wrote about different shards
//! is in order only as far as the passes of the watcher tell. `order` makes one of that, the
//! kindest that is possible: it never calls right wrong.

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

/// What is wrong, and what was delivered again.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// What no run may show; one line each.
    pub wrong: Vec<String>,
    /// Records of a key that came before an earlier one of that key. Also in `wrong`.
    pub out_of_order: usize,
    /// Records that had been delivered before: who was first, and who came again, each a worker
    /// with the number of its process.
    pub repeats: Vec<Repeat>,
}

impl Verdict {
    /// Fails if anything is wrong.
    ///
    /// # Errors
    /// With the first few things that are.
    pub fn check(&self) -> anyhow::Result<()> {
        let some = &self.wrong[..self.wrong.len().min(10)];
        anyhow::ensure!(some.is_empty(), "{} things wrong: {some:#?}", self.wrong.len());
        Ok(())
    }

    /// Fails if anything is wrong, or a record was delivered twice that one of these workers had
    /// not delivered first: those that died or were paused.
    ///
    /// # Errors
    /// With the first few things that are.
    pub fn check_repeats_of(&self, workers: &[&str]) -> anyhow::Result<()> {
        self.check()?;
        let allowed = |repeat: &&Repeat| workers.contains(&repeat.first.0.as_str());
        let wrong: Vec<_> = self.repeats.iter().filter(|repeat| !allowed(repeat)).collect();
        let some = &wrong[..wrong.len().min(10)];
        anyhow::ensure!(some.is_empty(), "{} delivered twice: {some:#?}", wrong.len());
        Ok(())
    }
}

/// Judges everything that was written by everything that was put. The shards tell the lineage.
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

/// Tells the judge of a line.
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
