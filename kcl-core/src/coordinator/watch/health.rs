//! Whether this watcher is in a state to judge others.

use std::time::Duration;

use crate::env::Time;

/// Since when this watcher's beats have been answered and its reads have succeeded without a gap.
#[derive(Debug)]
pub(super) struct Health {
    beat_at: Time,
    read_at: Time,
    unbroken_since: Time,
}

impl Health {
    pub(super) const fn new(now: Time) -> Self {
        Self { beat_at: now, read_at: now, unbroken_since: now }
    }

    pub(super) fn on_beat(&mut self, now: Time, gap: Duration) {
        self.note(now, self.beat_at, gap);
        self.beat_at = now;
    }

    pub(super) fn on_read(&mut self, now: Time, gap: Duration) {
        self.note(now, self.read_at, gap);
        self.read_at = now;
    }

    /// A gap is no success for `gap`; one failed call is none.
    fn note(&mut self, now: Time, last: Time, gap: Duration) {
        if now.since(last) > gap {
            self.unbroken_since = now;
        }
    }

    pub(super) const fn unbroken_since(&self) -> Time {
        self.unbroken_since
    }

    /// Whether neither beats nor reads are in a gap now.
    pub(super) fn is_well(&self, now: Time, gap: Duration) -> bool {
        now.since(self.beat_at) <= gap && now.since(self.read_at) <= gap
    }
}
