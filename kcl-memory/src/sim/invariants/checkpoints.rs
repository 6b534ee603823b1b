//! Checkpoints: never back, and one writer for each epoch.

use std::collections::BTreeMap;

use kcl_core::{
    coordinator::StoreCall,
    lease::{Checkpoint, Epoch, LeaseKey, SessionId},
};

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// The checkpoints accepted for one lease and epoch come from one session. Only a process that came
/// after the store's clock went back may be given an epoch again that the store has lost.
#[derive(Debug, Default)]
pub(super) struct OneSessionPerEpoch {
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

/// In the end the checkpoint of each lease is close behind what its owner has processed.
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

/// No checkpoint regresses, but in a store that went back in time, and where a lease is restarted
/// while the application is closed. A row that was deleted is no more; one put in its place begins
/// anew.
#[derive(Debug, Default)]
pub(super) struct NoRegress {
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
