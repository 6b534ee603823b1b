//! How fast a shard is read.

use std::time::Duration;

use crate::env::Time;

/// Bytes a second, over the last few seconds.
#[derive(Debug)]
pub(super) struct Meter {
    since: Time,
    bytes: u64,
    rate: u64,
}

/// Over how long bytes are counted before they change the rate.
const WINDOW: Duration = Duration::from_secs(5);

impl Meter {
    pub(super) const fn new(now: Time) -> Self {
        Self { since: now, bytes: 0, rate: 0 }
    }

    pub(super) fn count(&mut self, bytes: usize, now: Time) {
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        let passed = now.since(self.since);
        if passed >= WINDOW {
            let millis = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX).max(1);
            self.rate = self.bytes.saturating_mul(1_000) / millis;
            self.since = now;
            self.bytes = 0;
        }
    }

    pub(super) const fn rate(&self) -> u64 {
        self.rate
    }
}
