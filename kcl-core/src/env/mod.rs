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
pub struct Env {
    /// Reads time and sleeps.
    pub clock: Arc<dyn Clock>,
    /// Gives random bits.
    pub entropy: Arc<dyn Entropy>,
    /// Starts tasks.
    pub spawner: Arc<dyn Spawner>,
}

impl Env {
    /// The real machine: `CLOCK_BOOTTIME`, the operating system's randomness, tokio tasks on the
    /// calling runtime, and one thread of its own for the keeper.
    #[must_use]
    pub fn system() -> Self {
        Self {
            clock: Arc::new(system::SystemClock),
            entropy: Arc::new(system::SystemEntropy),
            spawner: Arc::new(system::TokioSpawner),
        }
    }
}
