//! Checkpoints: they never go back, one session writes them in each epoch, and they keep up with
//! the processor.

use std::collections::BTreeMap;

use kcl_core::{
    coordinator::StoreCall,
    lease::{Checkpoint, Epoch, LeaseKey, SessionId},
};

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// All checkpoints and releases that the store accepts for one lease under one epoch come from one
/// session.
///
/// Broken by an accepted `Advance` or `Release` of a second session under the same epoch. A worker
/// that started after the store's clock went back (`newcomer`) may acquire an epoch again that the
/// store has lost: its acquire clears the record of the former writer.
#[derive(Debug, Default)]
pub(super) struct OneSessionPerEpoch {
    /// The first session that wrote under each epoch.
    writers: BTreeMap<(LeaseKey, Epoch), SessionId>,
}

impl Invariant for OneSessionPerEpoch {
    fn name(&self) -> &'static str {
        "one session per epoch"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        let Fact::Lease { call, newcomer, .. } = fact else { return Ok(()) };
        let (key, epoch, owner) = match call {
            StoreCall::Acquire(acquire) if *newcomer => {
                self.writers.remove(&(acquire.key.clone(), acquire.epoch));
                return Ok(());
            }
            StoreCall::Advance(write) => (&write.key, write.epoch, &write.owner),
            StoreCall::Release(write) => (&write.key, write.epoch, &write.owner),
            _ => return Ok(()),
        };
        let first = self.writers.entry((key.clone(), epoch)).or_insert_with(|| owner.clone());
        if first == owner {
            return Ok(());
        }
        Err(format!("{key}: epoch {epoch} was written by {first} and {owner}"))
    }
}

/// At the end of a calm run, the stored checkpoint of each lease is at most four times the usual
/// reading delay (`slack`) behind what its owner has processed.
///
/// Broken by a `Settled` fact with a lease that is further behind, unless the script lets no
/// processor checkpoint. In a run of whole workers an `Uncovered` fact breaks it, too: every worker
/// has left, and a record that was not excused is behind no checkpoint.
#[derive(Debug)]
pub(super) struct Kept;

impl Invariant for Kept {
    fn name(&self) -> &'static str {
        "checkpoints keep up"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        #[cfg(feature = "simulation")]
        if let Fact::Uncovered { record: Some(record) } = fact {
            return Err(format!("{record} is processed, but no checkpoint says so"));
        }
        let Fact::Settled(settled) = fact else { return Ok(()) };
        if !settled.checkpoints {
            return Ok(());
        }
        for (no, shard) in settled.shards.iter().enumerate() {
            let row = settled.leases.get(&shard.key).filter(|row| !row.has_ended());
            let Some((row, owner)) = row.and_then(|row| Some((row, row.owner.as_ref()?))) else {
                continue;
            };
            let worker = settled.running.get(owner);
            let Some((_, done)) = worker.and_then(|worker| worker.runs.get(&no)) else { continue };
            let stored = match &row.checkpoint {
                Checkpoint::After(at) => at.sequence.as_str().parse().unwrap_or(0),
                _ => 0,
            };
            // A few checkpoint intervals; what a healthy reader may be behind is less than one.
            if stored + 4 * settled.slack < *done {
                return Err(format!("{}: stored {stored}, processed {done}", row.key));
            }
        }
        Ok(())
    }
}

/// The checkpoint of a lease never moves back.
///
/// Broken by a write that leaves an earlier checkpoint in the row than the newest accepted one, and
/// by a `Restart` (which sets a checkpoint back on purpose) while the application is open. Two
/// events end the comparison: the store loses its last writes, or the row is deleted. A new row of
/// the same key is compared with nothing before it.
#[derive(Debug, Default)]
pub(super) struct NoRegress {
    /// The checkpoint that the last accepted write left in each row.
    newest: BTreeMap<LeaseKey, Checkpoint>,
}

impl Invariant for NoRegress {
    fn name(&self) -> &'static str {
        "no checkpoint regresses"
    }

    fn check(&mut self, fact: &Fact<'_>, known: &Known) -> Result<(), String> {
        match fact {
            Fact::RolledBack => self.newest.clear(),
            Fact::Lease { call: StoreCall::Restart(_), after: Some(after), .. } => {
                if !known.closed {
                    return Err(format!("{} is restarted in an open application", after.key));
                }
                self.newest.insert(after.key.clone(), after.checkpoint.clone());
            }
            Fact::Lease { before: Some(before), after: None, .. } => {
                self.newest.remove(&before.key);
            }
            Fact::Lease { call, after: Some(after), .. } => {
                if let Some(newest) = self.newest.get(&after.key)
                    && !matches!(call, StoreCall::Restart(_))
                    && !after.checkpoint.may_follow(newest)
                {
                    return Err(format!("{}: {} after {newest}", after.key, after.checkpoint));
                }
                self.newest.insert(after.key.clone(), after.checkpoint.clone());
            }
            _ => {}
        }
        Ok(())
    }
}
