//! Checkpoints: never back, and one writer for each epoch.

use std::collections::BTreeMap;

use kcl_core::{
    coordinator::StoreCall,
    lease::{Checkpoint, Epoch, LeaseKey, SessionId},
};

use super::{Fact, Invariant, Known};

/// The checkpoints accepted for one lease and epoch come from one session.
#[derive(Debug, Default)]
pub(super) struct OneSessionPerEpoch {
    writers: BTreeMap<(LeaseKey, Epoch), SessionId>,
}

impl Invariant for OneSessionPerEpoch {
    fn name(&self) -> &'static str {
        "one session per epoch"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        let Fact::Lease { call, .. } = fact else { return Ok(()) };
        let (key, epoch, owner) = match call {
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

/// No checkpoint regresses, but in a store that went back in time. A row that was deleted is no
/// more; one put in its place begins anew.
#[derive(Debug, Default)]
pub(super) struct NoRegress {
    newest: BTreeMap<LeaseKey, Checkpoint>,
}

impl Invariant for NoRegress {
    fn name(&self) -> &'static str {
        "no checkpoint regresses"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match fact {
            Fact::RolledBack => self.newest.clear(),
            Fact::Lease { before: Some(before), after: None, .. } => {
                self.newest.remove(&before.key);
            }
            Fact::Lease { after: Some(after), .. } => {
                if let Some(newest) = self.newest.get(&after.key)
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
