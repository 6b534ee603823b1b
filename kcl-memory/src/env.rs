//! An environment on virtual time: tokio's paused clock, drawn randomness, everything on one
//! thread.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use kcl_core::env::{Clock, Entropy, Env, Keeper, Rng, Spawner, Task, TaskHandle, Time, WallTime};
use tokio::time::Instant;

/// An environment on virtual time, for a current-thread runtime whose clock is paused: sleeping
/// costs nothing, and two runs with one seed are alike. The worker's keeper is a task like any
/// other.
///
/// ```
/// # use std::time::Duration;
/// let mut builder = tokio::runtime::Builder::new_current_thread();
/// let runtime = builder.enable_time().start_paused(true).build().unwrap();
/// runtime.block_on(async {
///     let env = kcl_memory::virtual_env(7);
///     let before = env.clock.now();
///     env.clock.sleep(Duration::from_secs(3600)).await; // takes no time
///     assert_eq!(env.clock.now().since(before), Duration::from_secs(3600));
/// });
/// ```
///
/// # Panics
/// Outside a tokio runtime.
#[must_use]
pub fn virtual_env(seed: u64) -> Env {
    let clock = Arc::new(VirtualClock { started: Instant::now() });
    let entropy = Arc::new(SeededEntropy(Mutex::new(Rng::new(seed))));
    Env::new(clock, entropy, Arc::new(OneThread))
}

/// Tokio's clock, from the making of the environment on.
#[derive(Debug)]
struct VirtualClock {
    started: Instant,
}

/// Wall-clock time when a virtual environment is made: 2026-01-01T00:00:00Z.
const STARTED_AT_MS: u64 = 1_767_225_600_000;

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Time {
        let passed = self.started.elapsed().as_micros();
        Time::from_micros(u64::try_from(passed).unwrap_or(u64::MAX))
    }

    fn wall(&self) -> WallTime {
        let passed = self.started.elapsed().as_millis();
        WallTime::from_millis(STARTED_AT_MS + u64::try_from(passed).unwrap_or(0))
    }

    async fn sleep_until(&self, at: Time) {
        if at == Time::NEVER {
            return std::future::pending().await;
        }
        tokio::time::sleep_until(self.started + at.since(Time::ZERO)).await;
    }
}

#[derive(Debug)]
struct SeededEntropy(Mutex<Rng>);

impl Entropy for SeededEntropy {
    fn next_u64(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next_u64()
    }
}

/// Every task on the calling runtime, the keeper too.
#[derive(Debug)]
struct OneThread;

impl Spawner for OneThread {
    #[expect(clippy::disallowed_methods, reason = "this is the spawner the others are told to use")]
    fn spawn(&self, _name: &'static str, task: Task) -> TaskHandle {
        TaskHandle::new(tokio::spawn(task))
    }

    fn spawn_keeper(&self, keeper: Keeper) -> std::io::Result<()> {
        drop(self.spawn("kcl-keeper", keeper()));
        Ok(())
    }
}
