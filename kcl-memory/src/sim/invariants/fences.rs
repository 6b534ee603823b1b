//! Fences: only those who are silent are ended by others, and nobody else takes itself for ended.

use std::{collections::BTreeMap, time::Duration};

use kcl_core::{
    coordinator::StoreCall,
    env::Time,
    lease::{Ending, SessionId},
};

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// A session is fenced only when no beat of it was counted for its session timeout, on a clock that
/// may run a little fast.
#[derive(Debug, Default)]
pub(super) struct OnlySilence {
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

/// A worker takes its session for ended only when it has, or is gone. A store that went back may
/// show it alive again.
#[derive(Debug, Default)]
pub(super) struct NotInError {
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
