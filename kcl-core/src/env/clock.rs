//! Reading time, and waiting for it.

use std::{fmt::Debug, time::Duration};

use async_trait::async_trait;

use super::{Time, WallTime};

/// A worker's clock.
#[async_trait]
pub trait Clock: Debug + Send + Sync + 'static {
    /// Time on a clock that counts a suspended machine (`CLOCK_BOOTTIME` on Linux). The validity of
    /// a session and every window of the protocol are measured on it.
    fn now(&self) -> Time;

    /// Wall-clock time, for display and for records' ages only.
    fn wall(&self) -> WallTime;

    /// Sleeps until the clock shows `at`. May wake late after a suspend: timers do not see it, so
    /// whoever depends on a deadline looks at [`Clock::now`] again.
    ///
    /// # Cancel safety
    /// Safe: nothing happens but the wait.
    async fn sleep_until(&self, at: Time);

    /// Sleeps for `span`.
    async fn sleep(&self, span: Duration) {
        self.sleep_until(self.now() + span).await;
    }
}
