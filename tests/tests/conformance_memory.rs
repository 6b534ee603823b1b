//! The memory store against the suite: as it is, and behind a network that misbehaves.

use std::sync::Arc;

use async_trait::async_trait;
use kcl_core::{
    conformance::{Capabilities, Failed, StoreFactory, Suite},
    store::{LeaseStore, StoreResult},
};
use kcl_memory::{MemoryServer, faults::Mishaps};
use kcl_tests::conformance::{BadNetwork, conforms};

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
    conforms(Suite::new(Memory { server: MemoryServer::new(), pushes: true })).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_conforms_in_small_pages_and_without_pushing() -> Result<(), Failed> {
    let server = MemoryServer::counting().with_page_size(7).without_push();
    conforms(Suite::new(Memory { server, pushes: false }).seed(2)).await
}

#[tokio::test(start_paused = true)]
async fn answers_stay_right_when_replies_are_lost_and_writes_land_late_or_twice()
-> Result<(), Failed> {
    for seed in 0..20 {
        let memory = Memory { server: MemoryServer::counting(), pushes: true };
        conforms(Suite::new(BadNetwork::before(memory, Mishaps::BAD_DAY, seed)).seed(seed)).await?;
    }
    Ok(())
}
