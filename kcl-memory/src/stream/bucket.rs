//! The read limit of a shard.

use std::time::Duration;

use kcl_core::env::Time;

/// A token bucket that holds a second's worth: so many reads a second, in a burst or evenly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    /// What one read costs.
    interval: Duration,
    /// When the bucket would be full again.
    full_at: Time,
}

impl Bucket {
    pub(super) fn new(reads_per_second: u32) -> Self {
        let interval = Duration::from_secs(1) / reads_per_second.max(1);
        Self { interval, full_at: Time::ZERO }
    }

    /// When the next token is there: now, or later.
    pub(super) fn free_at(&self, now: Time) -> Time {
        let full_at = self.full_at.max(now) + self.interval;
        now + full_at.since(now + Duration::from_secs(1))
    }

    /// Takes a token, or says when there will be one.
    pub(super) fn take(&mut self, now: Time) -> Result<(), Time> {
        let free_at = self.free_at(now);
        if free_at > now {
            return Err(free_at);
        }
        self.full_at = self.full_at.max(now) + self.interval;
        Ok(())
    }
}
