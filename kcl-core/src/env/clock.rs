//! The clock of a worker.

use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;

use super::{Time, WallTime};

/// A worker's clock.
#[async_trait]
pub trait Clock: Debug + Send + Sync + 'static {
    /// The time on a clock that also counts while the machine is suspended (`CLOCK_BOOTTIME` on
    /// Linux). The worker measures the validity of its session and every timeout of the protocol on
    /// it.
    fn now(&self) -> Time;

    /// Wall-clock time, for display and for records' ages only.
    fn wall(&self) -> WallTime;

    /// Sleeps until the clock shows `at`; for ever at [`Time::NEVER`]. It may return late, because
    /// timers do not count while the machine is suspended: a caller that depends on a deadline
    /// reads [`Clock::now`] again.
    ///
    /// # Cancel safety
    /// Safe: the call only waits.
    async fn sleep_until(&self, at: Time);

    /// Sleeps for `span`.
    async fn sleep(&self, span: Duration) {
        self.sleep_until(self.now() + span).await;
    }
}
