//! A process's own clock and chance: started some time, a little fast or slow, suspended with its
//! machine.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use kcl_core::env::{Clock, Entropy, Env, Rng, Time, WallTime};
use tokio::time::Instant;

use super::Process;

/// NTP slews a clock by at most 500 parts per million.
const DRIFT_MAX: u64 = 500;

/// The environment of a process on a machine drawn from `seed`.
pub(super) fn env_of(process: &Process, seed: u64) -> Env {
    let mut rng = Rng::new(seed);
    let clock = ProcessClock {
        process: process.clone(),
        started: Instant::now(),
        offset: rng.below(1_000_000_000),
        drift: i64::try_from(rng.below(2 * DRIFT_MAX + 1)).unwrap_or(0) - 500,
        wall: WALL + rng.below(4_000),
    };
    let entropy = Arc::new(Drawn(Mutex::new(rng)));
    Env::new(Arc::new(clock), entropy, Arc::new(process.clone()))
}

/// Two seconds before 2026-01-01T00:00:00Z: wall clocks are up to two seconds off.
const WALL: u64 = 1_767_225_598_000;

#[derive(Debug)]
struct ProcessClock {
    process: Process,
    started: Instant,
    /// What it showed then, in microseconds.
    offset: u64,
    /// Parts per million.
    drift: i64,
    wall: u64,
}

#[async_trait]
impl Clock for ProcessClock {
    fn now(&self) -> Time {
        let micros = i128::try_from(self.started.elapsed().as_micros()).unwrap_or(i128::MAX);
        let shown = micros + micros * i128::from(self.drift) / 1_000_000;
        Time::from_micros(self.offset + u64::try_from(shown).unwrap_or(0))
    }

    fn wall(&self) -> WallTime {
        let passed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(0);
        WallTime::from_millis(self.wall + passed)
    }

    async fn sleep_until(&self, at: Time) {
        if at == Time::NEVER {
            return std::future::pending().await;
        }
        // Timers stand still while the machine is suspended.
        let (asleep, mut slept) = (self.process.suspended(), Duration::ZERO);
        loop {
            let left = (at + slept).since(self.now());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep_until(Instant::now() + left).await;
            slept = self.process.suspended().saturating_sub(asleep);
        }
    }
}

#[derive(Debug)]
struct Drawn(Mutex<Rng>);

impl Entropy for Drawn {
    fn next_u64(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next_u64()
    }
}
