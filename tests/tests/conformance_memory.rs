//! The memory store against the suite: as it is, and behind a network that misbehaves.

use std::sync::Arc;

use async_trait::async_trait;
use kcl_core::{
    conformance::{Capabilities, Failed, StoreFactory, Suite},
    env::Env,
    store::{LeaseStore, StoreResult},
};
use kcl_memory::{Faulty, MemoryServer, faults::Mishaps};

struct Memory {
    server: MemoryServer,
    pushes: bool,
}

#[async_trait]
impl StoreFactory for Memory {
    fn name(&self) -> String {
        "memory".into()
    }

    fn capabilities(&self) -> Capabilities {
        if self.pushes { Capabilities::default().pushing() } else { Capabilities::default() }
    }

    async fn open(&self, application: &str) -> StoreResult<Arc<dyn LeaseStore>> {
        Ok(Arc::new(self.server.store(application)))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_memory_store_conforms() -> Result<(), Failed> {
    Suite::new(Memory { server: MemoryServer::new(), pushes: true }).run().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_conforms_in_small_pages_and_without_pushing() -> Result<(), Failed> {
    let server = MemoryServer::counting().with_page_size(7).without_push();
    Suite::new(Memory { server, pushes: false }).seed(2).run().await?;
    Ok(())
}

/// A client of its own for each call, each with mishaps of its own.
struct BadNetwork {
    server: MemoryServer,
    seed: std::sync::atomic::AtomicU64,
}

#[async_trait]
impl StoreFactory for BadNetwork {
    fn name(&self) -> String {
        "memory behind a bad network".into()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default().unreliable()
    }

    async fn open(&self, application: &str) -> StoreResult<Arc<dyn LeaseStore>> {
        let seed = self.seed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let store = Arc::new(self.server.store(application));
        Ok(Arc::new(Faulty::new(store, Env::system(), Mishaps::BAD_DAY.policy(seed))))
    }
}

#[tokio::test(start_paused = true)]
async fn answers_stay_right_when_replies_are_lost_and_writes_land_late_or_twice()
-> Result<(), Failed> {
    for seed in 0..20 {
        let factory = BadNetwork { server: MemoryServer::counting(), seed: (1_000 * seed).into() };
        Suite::new(factory).seed(seed).run().await?;
    }
    Ok(())
}
