//! Stale writes: none counts, and none of anybody else's.

use std::collections::BTreeMap;

use kcl_core::{
    coordinator::StoreCall,
    lease::{Epoch, Lease, LeaseKey, SessionId},
};

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// A checkpoint or a release counts only while the row names its session and epoch.
#[derive(Debug)]
pub(super) struct NoStaleWrite;

impl Invariant for NoStaleWrite {
    fn name(&self) -> &'static str {
        "no stale write is accepted"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        let Fact::Lease { call, before, .. } = fact else { return Ok(()) };
        let Some((key, owner, epoch)) = written(call) else { return Ok(()) };
        if before.is_some_and(|row| row.is_held_by(owner, epoch)) {
            return Ok(());
        }
        let holder = before.and_then(|row: &Lease| row.owner.as_ref());
        let held = before.map(|row| row.epoch);
        Err(format!("{key}: {owner} wrote under epoch {epoch}, of {holder:?} under {held:?}"))
    }
}

/// What is written while a row has an epoch is written by the session that was given it, whatever
/// epoch the write names.
#[derive(Debug, Default)]
pub(super) struct OnlyTheHolderWrites {
    given: BTreeMap<LeaseKey, (Epoch, SessionId)>,
}

impl Invariant for OnlyTheHolderWrites {
    fn name(&self) -> &'static str {
        "only the holder writes"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        let Fact::Lease { call, before, after, .. } = fact else { return Ok(()) };
        if let (StoreCall::Acquire(acquire), Some(row)) = (call, after) {
            self.given.insert(row.key.clone(), (row.epoch, acquire.owner.clone()));
        }
        let (Some((key, owner, _)), Some(row)) = (written(call), before) else { return Ok(()) };
        match self.given.get(key) {
            Some((epoch, holder)) if *epoch == row.epoch && holder != owner => {
                Err(format!("{key}: {owner} wrote, and epoch {epoch} is {holder}'s"))
            }
            _ => Ok(()),
        }
    }
}

/// The lease that a checkpoint or a release is for, whose it is, and the epoch that it names.
const fn written(call: &StoreCall) -> Option<(&LeaseKey, &SessionId, Epoch)> {
    match call {
        StoreCall::Advance(write) => Some((&write.key, &write.owner, write.epoch)),
        StoreCall::Release(write) => Some((&write.key, &write.owner, write.epoch)),
        _ => None,
    }
}
