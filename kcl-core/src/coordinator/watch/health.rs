//! Whether this watcher may judge others (PROTOCOL rule 11): its own beats are answered and its
//! reads succeed. If they do not, the silence of the others may be this watcher's own outage.

use std::time::Duration;

use crate::env::Time;

/// When this watcher's last beat was answered and its last read succeeded, and since when neither
/// had a gap.
#[derive(Debug)]
pub(super) struct Health {
    /// When the last own beat was answered.
    beat_at: Time,
    /// When the last read succeeded.
    read_at: Time,
    /// Since when neither had a gap.
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

    /// A gap is a time longer than `gap` without success. One failed call makes no gap.
    fn note(&mut self, now: Time, last: Time, gap: Duration) {
        if now.since(last) > gap {
            self.unbroken_since = now;
        }
    }

    pub(super) const fn unbroken_since(&self) -> Time {
        self.unbroken_since
    }

    /// Whether neither beats nor reads have a gap now.
    pub(super) fn is_well(&self, now: Time, gap: Duration) -> bool {
        now.since(self.beat_at) <= gap && now.since(self.read_at) <= gap
    }
}
