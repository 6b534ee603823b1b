//! Fences: other workers end a session only after its silence, and a worker believes that its
//! session has ended only when that is true.

use std::{collections::BTreeMap, time::Duration};

use kcl_core::{
    coordinator::StoreCall,
    env::Time,
    lease::{Ending, SessionId},
};

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// Other workers fence a session only after the store accepted no beat of it for its whole session
/// timeout, less the share by which the fastest allowed clock runs ahead.
///
/// Broken by an accepted `EndSession` with a fence that comes earlier after the last accepted
/// `Register` or `Beat`. Sessions whose last beat is unknown, because the store lost its last
/// writes, are not checked until they beat again.
#[derive(Debug, Default)]
pub(super) struct OnlySilence {
    /// When the store last accepted a registration or a beat of each session.
    counted: BTreeMap<SessionId, Time>,
}

impl Invariant for OnlySilence {
    fn name(&self) -> &'static str {
        "only the silent are fenced"
    }

    fn check(&mut self, fact: &Fact<'_>, known: &Known) -> Result<(), String> {
        let (call, after) = match fact {
            Fact::RolledBack => {
                self.counted.clear();
                return Ok(());
            }
            Fact::Session { call, after: Some(after), .. } => (*call, *after),
            _ => return Ok(()),
        };
        match call {
            StoreCall::Register(_) | StoreCall::Beat(_) => {
                self.counted.insert(after.id.clone(), known.now);
            }
            StoreCall::EndSession(end) if matches!(end.ending, Ending::Fence { .. }) => {
                let Some(counted) = self.counted.get(&after.id) else { return Ok(()) };
                let silent: Duration = known.now.since(*counted);
                let too_soon = after.timeout * known.drift / 1_000_000;
                if silent + too_soon < after.timeout {
                    return Err(format!("{} was silent for {silent:?} only", after.id));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// A worker believes that its session has ended only when the session's row has ended or is gone.
///
/// Broken by a `Fenced` fact of a session whose row is alive. Not checked after the store lost its
/// last writes: the row may then be alive again, although the worker saw its end.
#[derive(Debug, Default)]
pub(super) struct NotInError {
    /// The store has lost its last writes at least once.
    went_back: bool,
}

impl Invariant for NotInError {
    fn name(&self) -> &'static str {
        "who is fenced has ended"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match fact {
            Fact::RolledBack => self.went_back = true,
            Fact::Fenced { session, lives: true } if !self.went_back => {
                return Err(format!("{session} takes itself for ended, and lives"));
            }
            _ => {}
        }
        Ok(())
    }
}
