//! Stale writes: the store refuses writes of former owners.
//!
//! A simulated store executes the rules of the protocol and so cannot accept such a write. These
//! invariants are for real stores: their row changes are observed, and may be wrong.

use std::collections::BTreeMap;

use kcl_core::{
    coordinator::StoreCall,
    lease::{Epoch, Lease, LeaseKey, SessionId},
};

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// The store accepts a checkpoint or a release only while the row names its session as owner and
/// has its epoch.
///
/// Broken by a `Lease` fact of such a call whose `before` row has another owner or epoch.
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

/// While a row has an epoch, only the session that acquired it under that epoch writes checkpoints
/// and releases, whichever epoch the write names.
///
/// Broken by a write of another session. Unlike [`NoStaleWrite`] it trusts the acquire that it saw,
/// not the owner that the row names.
#[derive(Debug, Default)]
pub(super) struct OnlyTheHolderWrites {
    /// The session of the last acquire of each lease, and the epoch it got.
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

/// For a checkpoint or a release: its lease, the session that wrote, and the epoch that it names.
/// `None` for all other calls.
const fn written(call: &StoreCall) -> Option<(&LeaseKey, &SessionId, Epoch)> {
    match call {
        StoreCall::Advance(write) => Some((&write.key, &write.owner, write.epoch)),
        StoreCall::Release(write) => Some((&write.key, &write.owner, write.epoch)),
        _ => None,
    }
}
