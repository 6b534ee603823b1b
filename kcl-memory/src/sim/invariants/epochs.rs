//! Epochs: the fencing token of a lease grows, and no two sessions ever get the same one.

use std::collections::BTreeMap;

use kcl_core::{
    coordinator::StoreCall,
    lease::{Epoch, Lease, LeaseKey, SessionId},
};

use crate::sim::{
    fact::Fact,
    invariant::{Excuse, Invariant},
    known::Known,
};

/// The epoch of a lease grows with each change of owner and with each restart, and no two sessions
/// get the same epoch. This also holds when the store loses its last writes: the remembered epochs
/// stay.
///
/// Broken by an owner whose epoch is not above the row's former one, by an epoch that another
/// session had, and by a restart under an epoch that is not above all earlier ones or that leaves
/// an owner in the row. No longer checked once the store's clock went back (`Excuse::OldClock`),
/// since new epochs also depend on that clock.
#[derive(Debug, Default)]
pub(super) struct EpochsIncrease {
    /// Which session got each epoch of each lease; kept for the whole run.
    given: BTreeMap<(LeaseKey, Epoch), SessionId>,
}

impl Invariant for EpochsIncrease {
    fn name(&self) -> &'static str {
        "epochs increase"
    }

    fn until(&self) -> Option<Excuse> {
        Some(Excuse::OldClock)
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        let Fact::Lease { call, before, after: Some(after), .. } = fact else { return Ok(()) };
        let old = before.map_or(Epoch::NONE, |row: &Lease| row.epoch);
        if let StoreCall::Restart(_) = call {
            return self.restarted(after, old);
        }
        let Some(owner) = &after.owner else { return Ok(()) };
        let same_owner = before.is_some_and(|row| row.owner.as_ref() == Some(owner));
        if same_owner && old == after.epoch {
            return Ok(());
        }
        if after.epoch <= old {
            return Err(format!("{}: {owner} took epoch {} after {old}", after.key, after.epoch));
        }
        match self.given.insert((after.key.clone(), after.epoch), owner.clone()) {
            // A late duplicate of one session's acquire, after the store lost the first.
            Some(first) if first != *owner => {
                let (key, epoch) = (&after.key, after.epoch);
                Err(format!("{key}: epoch {epoch} was {first}'s and is {owner}'s"))
            }
            _ => Ok(()),
        }
    }
}

impl EpochsIncrease {
    /// Checks a restart. Its epoch has to be above every epoch that was ever given, including those
    /// that the store lost: then the store refuses each write that is still under way. And it
    /// leaves no owner in the row.
    fn restarted(&self, row: &Lease, old: Epoch) -> Result<(), String> {
        let (key, epoch) = (&row.key, row.epoch);
        let later = (key.clone(), epoch)..=(key.clone(), Epoch(u64::MAX));
        let given = self.given.range(later).next().map(|((_, given), _)| *given);
        if let Some(before) = given.or_else(|| (epoch <= old).then_some(old)) {
            return Err(format!("{key}: restarted under epoch {epoch} after {before}"));
        }
        match &row.owner {
            Some(owner) => {
                Err(format!("{key}: {owner} holds it under the epoch {epoch} of a restart"))
            }
            None => Ok(()),
        }
    }
}
