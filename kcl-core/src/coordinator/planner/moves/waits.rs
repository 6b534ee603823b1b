//! Which moves wait for which echo, and until when. An event between two plans concerns few moves,
//! so the planner goes through these alone.

use std::collections::{BTreeMap, BTreeSet};

use super::stage::{Echo, Move};
use crate::{
    env::Time,
    lease::{LeaseKey, SessionId},
};

/// The echoes and times that moves wait for.
#[derive(Debug, Default)]
pub(super) struct Waits {
    /// The leases that wait for each echo.
    echoes: BTreeMap<Echo, BTreeSet<LeaseKey>>,
    /// When the row of which lease is to be read.
    looks: BTreeSet<(Time, LeaseKey)>,
}

impl Waits {
    /// The waits of these moves.
    pub(super) fn of(moves: &BTreeMap<LeaseKey, Move>) -> Self {
        let mut waits = Self::default();
        for (key, moving) in moves {
            waits.add(key, moving);
        }
        waits
    }

    /// Adds the echo or the time that a move waits for.
    pub(super) fn add(&mut self, key: &LeaseKey, moving: &Move) {
        if let Some(echo) = moving.awaited() {
            self.echoes.entry(echo).or_default().insert(key.clone());
        }
        if moving.stage.look_at() < Time::NEVER {
            self.looks.insert((moving.stage.look_at(), key.clone()));
        }
    }

    /// Removes the echo or the time that a move waits for. Called before the move changes, with its
    /// former stage.
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

    /// The leases whose echo came.
    pub(super) fn heard(&self, is_heard: impl Fn(&Echo) -> bool) -> BTreeSet<LeaseKey> {
        let heard = self.echoes.iter().filter(|(echo, _)| is_heard(echo));
        heard.flat_map(|(_, keys)| keys).cloned().collect()
    }

    /// The leases whose row is to be read.
    pub(super) fn due(&self, now: Time) -> BTreeSet<LeaseKey> {
        let due = self.looks.iter().take_while(|(at, _)| *at <= now);
        due.map(|(_, key)| key.clone()).collect()
    }

    /// The new owners that have not confirmed their documents.
    pub(super) fn unaware(&self) -> impl Iterator<Item = &SessionId> {
        let told = self.echoes.keys().filter(|echo| echo.version.is_none());
        told.map(|echo| &echo.session)
    }

    pub(super) fn next_look(&self) -> Time {
        self.looks.first().map_or(Time::NEVER, |(at, _)| *at)
    }
}
