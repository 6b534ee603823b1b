//! A clock on which every sleep ends at once, and moves it to the end of the sleep.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use kcl_core::env::{Clock, Env, Time, WallTime};

/// The wall time at the origin of the clock.
pub(crate) const WALL: WallTime = WallTime::from_millis(1_800_000_000_000);

/// A clock that only sleeping and [`ManualClock::advance`] move.
#[derive(Debug, Default)]
pub(crate) struct ManualClock(AtomicU64);

impl ManualClock {
    /// Returns the environment of the machine with a new clock of this type, and that clock.
    pub(crate) fn env() -> (Env, Arc<Self>) {
        let clock = Arc::new(Self::default());
        (Env::system().with_clock(clock.clone()), clock)
    }

    pub(crate) fn advance(&self, millis: u64) {
        self.0.fetch_add(millis * 1_000, Ordering::Relaxed);
    }

    pub(crate) fn millis(&self) -> u64 {
        self.0.load(Ordering::Relaxed) / 1_000
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Time {
        Time::from_micros(self.0.load(Ordering::Relaxed))
    }

    fn wall(&self) -> WallTime {
        WallTime::from_millis(WALL.as_millis() + self.millis())
    }

    async fn sleep_until(&self, at: Time) {
        assert_ne!(at, Time::NEVER, "this sleep would never end");
        self.0.fetch_max(at.as_micros(), Ordering::Relaxed);
        tokio::task::yield_now().await;
    }
}
