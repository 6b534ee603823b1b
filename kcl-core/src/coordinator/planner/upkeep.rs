//! Which rows of sessions are to be tidied, and when.

use std::collections::BTreeMap;

use crate::{coordinator::context::Context, env::Time, lease::SessionId};

/// What is to be tidied, and when.
#[derive(Debug)]
pub(super) struct Upkeep {
    /// Ended sessions that no lease named, since when.
    pub(super) unused: BTreeMap<SessionId, Time>,
    /// When each may be forgotten.
    pub(super) forget_at: Time,
}

impl Default for Upkeep {
    fn default() -> Self {
        Self { unused: BTreeMap::new(), forget_at: Time::NEVER }
    }
}

impl Upkeep {
    pub(super) const fn next_wake(&self) -> Time {
        self.forget_at
    }

    pub(super) fn schedule(&mut self, ctx: &Context) {
        let wait = ctx.settings.session_timeout;
        self.forget_at = self.unused.values().min().map_or(Time::NEVER, |since| *since + wait);
    }
}
