//! Sessions: once a session has ended, it stays ended.

use std::collections::BTreeSet;

use kcl_core::lease::SessionId;

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// A session that has ended is never alive again, and its beat number never goes back.
///
/// Broken by a `Session` fact in which an ended session is alive, or in which the beat number of a
/// row falls. The ends are forgotten when the store loses its last writes. A late registration of a
/// process that is no longer up does not count as a new life. Nor is a session checked whose
/// machine's clock stood still: it cannot know how long it tried to register, so it may do so after
/// others forgot it.
#[derive(Debug, Default)]
pub(super) struct EndedIsFinal {
    /// Sessions whose row was seen to have ended.
    ended: BTreeSet<SessionId>,
    /// Sessions whose machine was suspended together with its clock.
    without_clock: BTreeSet<SessionId>,
}

impl Invariant for EndedIsFinal {
    fn name(&self) -> &'static str {
        "ended is final"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match fact {
            Fact::RolledBack => self.ended.clear(),
            Fact::ClockStood { session } => {
                self.without_clock.insert((*session).clone());
            }
            // Of a process that is over, a registration that lands late says nothing.
            Fact::Session { before: None, after: Some(after), up: false, .. } => {
                self.ended.remove(&after.id);
            }
            Fact::Session { before, after: Some(after), .. } => {
                if after.has_ended() {
                    self.ended.insert(after.id.clone());
                } else if before.is_some()
                    && self.ended.contains(&after.id)
                    && !self.without_clock.contains(&after.id)
                {
                    return Err(format!("{} has ended and lives", after.id));
                }
                if before.is_some_and(|before| after.beat < before.beat) {
                    return Err(format!("{}: beat {} is counted again", after.id, after.beat));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
