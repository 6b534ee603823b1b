//! The world a worker lives in: clock, randomness, spawning.
//!
//! Everything that would make a run unrepeatable comes in through [`Env`]; a simulation hands every
//! worker an environment of its own (drift, suspend and skew differ between machines).

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
    /// Reads time and sleeps.
    pub clock: Arc<dyn Clock>,
    /// Gives random bits.
    pub entropy: Arc<dyn Entropy>,
    /// Starts tasks.
    pub spawner: Arc<dyn Spawner>,
}

impl Env {
    /// A world of these three.
    #[must_use]
    pub fn new(
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        spawner: Arc<dyn Spawner>,
    ) -> Self {
        Self { clock, entropy, spawner }
    }

    /// The same world by another clock.
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
