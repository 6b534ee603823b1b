//! Running the conformance suite in a test.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use kcl_core::{
    conformance::{Capabilities, Failed, StoreFactory, Suite},
    env::Env,
    store::{LeaseStore, StoreResult},
};
use kcl_memory::{Faulty, faults::Mishaps};

/// Runs the suite and shows how long each case took (`cargo test -- --nocapture`).
///
/// # Errors
/// When a case fails.
#[expect(clippy::print_stdout, reason = "cargo test shows it on request only")]
pub async fn conforms(suite: Suite) -> Result<(), Failed> {
    let report = suite.run().await?;
    println!("{report}");
    Ok(())
}

/// The stores of another factory, each client behind a network that misbehaves in its own way.
#[derive(Debug)]
pub struct BadNetwork<F> {
    factory: F,
    mishaps: Mishaps,
    seed: AtomicU64,
}

impl<F> BadNetwork<F> {
    /// Puts `mishaps`, drawn from `seed`, before the clients of `factory`.
    pub fn before(factory: F, mishaps: Mishaps, seed: u64) -> Self {
        // Every client draws from a seed of its own.
        Self { factory, mishaps, seed: AtomicU64::new(seed << 32) }
    }
}

#[async_trait]
impl<F: StoreFactory> StoreFactory for BadNetwork<F> {
    fn name(&self) -> String {
        format!("{} behind a bad network", self.factory.name())
    }

    fn capabilities(&self) -> Capabilities {
        self.factory.capabilities().unreliable()
    }

    async fn open(&self, application: &str) -> StoreResult<Arc<dyn LeaseStore>> {
        let policy = self.mishaps.policy(self.seed.fetch_add(1, Ordering::Relaxed));
        let store = self.factory.open(application).await?;
        Ok(Arc::new(Faulty::new(store, Env::system(), policy)))
    }
}
