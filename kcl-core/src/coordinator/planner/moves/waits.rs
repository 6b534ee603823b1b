//! Which moves wait for whom, and until when: what happens between two plans touches few of them.

use std::collections::{BTreeMap, BTreeSet};

use super::stage::{Echo, Move};
use crate::{
    env::Time,
    lease::{LeaseKey, SessionId},
};

/// What moves wait for.
#[derive(Debug, Default)]
pub(super) struct Waits {
    echoes: BTreeMap<Echo, BTreeSet<LeaseKey>>,
    looks: BTreeSet<(Time, LeaseKey)>,
}

impl Waits {
    pub(super) fn of(moves: &BTreeMap<LeaseKey, Move>) -> Self {
        let mut waits = Self::default();
        for (key, moving) in moves {
            waits.add(key, moving);
        }
        waits
    }

    pub(super) fn add(&mut self, key: &LeaseKey, moving: &Move) {
        if let Some(echo) = moving.awaited() {
            self.echoes.entry(echo).or_default().insert(key.clone());
        }
        if moving.stage.look_at() < Time::NEVER {
            self.looks.insert((moving.stage.look_at(), key.clone()));
        }
    }

    pub(super) fn remove(&mut self, key: &LeaseKey, moving: &Move) {
        if let Some(echo) = moving.awaited()
            && let Some(keys) = self.echoes.get_mut(&echo)
        {
            keys.remove(key);
            if keys.is_empty() {
                self.echoes.remove(&echo);
            }
        }
        self.looks.remove(&(moving.stage.look_at(), key.clone()));
    }

    /// The leases whose echo was heard.
    pub(super) fn heard(&self, is_heard: impl Fn(&Echo) -> bool) -> BTreeSet<LeaseKey> {
        let heard = self.echoes.iter().filter(|(echo, _)| is_heard(echo));
        heard.flat_map(|(_, keys)| keys).cloned().collect()
    }

    /// The leases whose row is to be looked at.
    pub(super) fn due(&self, now: Time) -> BTreeSet<LeaseKey> {
        let due = self.looks.iter().take_while(|(at, _)| *at <= now);
        due.map(|(_, key)| key.clone()).collect()
    }

    /// Who has yet to say that it knows what is announced to it.
    pub(super) fn unaware(&self) -> impl Iterator<Item = &SessionId> {
        let told = self.echoes.keys().filter(|echo| echo.version.is_none());
        told.map(|echo| &echo.session)
    }

    pub(super) fn next_look(&self) -> Time {
        self.looks.first().map_or(Time::NEVER, |(at, _)| *at)
    }
}
