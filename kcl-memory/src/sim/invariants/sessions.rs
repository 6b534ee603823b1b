//! Sessions: an ended one is over for good.

use std::collections::BTreeSet;

use kcl_core::lease::SessionId;

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// A session that has ended does not live again, and its beats never go back. Only one whose clock
/// stood still may be registered again after it was forgotten: it cannot know how long it tried.
#[derive(Debug, Default)]
pub(super) struct EndedIsFinal {
    ended: BTreeSet<SessionId>,
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
