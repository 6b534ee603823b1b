//! The environment of a real machine.

use std::time::Duration;

use async_trait::async_trait;

use super::{Clock, Entropy, Keeper, Spawner, TaskHandle, Time, WallTime, spawner::Task};

/// `CLOCK_BOOTTIME` on Linux. Elsewhere the monotonic clock, which may stop while the machine is
/// suspended.
#[derive(Debug, Default)]
pub(super) struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Time {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let clock = rustix::time::ClockId::Boottime;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let clock = rustix::time::ClockId::Monotonic;
        let at = rustix::time::clock_gettime(clock);
        let seconds = u64::try_from(at.tv_sec).unwrap_or(0);
        let micros = u64::try_from(at.tv_nsec / 1_000).unwrap_or(0);
        Time::from_micros(seconds.saturating_mul(1_000_000).saturating_add(micros))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock the others are told to use")]
    fn wall(&self) -> WallTime {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let millis = since.unwrap_or(Duration::ZERO).as_millis();
        WallTime::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock the others are told to use")]
    async fn sleep_until(&self, at: Time) {
        if at == Time::NEVER {
            return std::future::pending().await;
        }
        let span = at.since(self.now());
        if !span.is_zero() {
            tokio::time::sleep(span).await;
        }
    }
}

/// The random generator of the operating system.
#[derive(Debug)]
pub(super) struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::expect_used, reason = "without randomness no incarnation would be unique")]
    fn next_u64(&self) -> u64 {
        getrandom::u64().expect("the operating system gives no randomness")
    }
}

/// Runs tasks on the caller's tokio runtime, and the keeper on a thread of its own.
#[derive(Debug)]
pub(super) struct TokioSpawner;

impl Spawner for TokioSpawner {
    #[expect(clippy::disallowed_methods, reason = "this is the spawner the others are told to use")]
    fn spawn(&self, _name: &'static str, task: Task) -> TaskHandle {
        TaskHandle::new(tokio::spawn(task))
    }

    fn spawn_keeper(&self, keeper: Keeper) -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new()
            .name("kcl-keeper".into())
            .spawn(move || runtime.block_on(keeper()))
            .map(drop)
    }
}
