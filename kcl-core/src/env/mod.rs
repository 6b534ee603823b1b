//! The environment of a worker: clock, randomness and tasks.
//!
//! A worker takes all three from its [`Env`] and from nowhere else, so that a simulation can repeat
//! a run exactly. A simulation gives each worker an environment of its own, because clock drift and
//! suspended machines differ between workers.

mod clock;
mod entropy;
mod spawner;
mod system;
mod time;

pub use clock::Clock;
pub use entropy::{Entropy, Rng};
pub use spawner::{Keeper, Spawner, Task, TaskHandle};
pub use time::{Time, WallTime};

use std::sync::Arc;

/// Clock, randomness and spawner of one worker.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Env {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of random bits.
    pub entropy: Arc<dyn Entropy>,
    /// Starts tasks and the keeper.
    pub spawner: Arc<dyn Spawner>,
}

impl Env {
    /// Makes an environment of these parts.
    #[must_use]
    pub fn new(
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        spawner: Arc<dyn Spawner>,
    ) -> Self {
        Self { clock, entropy, spawner }
    }

    /// Returns the same environment with another clock.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// The real machine: `CLOCK_BOOTTIME`, the operating system's randomness, tokio tasks on the
    /// calling runtime, and one thread of its own for the keeper.
    #[must_use]
    pub fn system() -> Self {
        Self::new(
            Arc::new(system::SystemClock),
            Arc::new(system::SystemEntropy),
            Arc::new(system::TokioSpawner),
        )
    }
}
