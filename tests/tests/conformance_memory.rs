//! Store and stream in memory against their suites: as they are, and the store behind a network
//! that misbehaves.

use std::sync::Arc;

use async_trait::async_trait;
use kcl_core::{
    conformance::{Capabilities, Failed, StoreFactory, Suite, sources},
    store::{LeaseStore, StoreResult},
};
use kcl_memory::{MemoryServer, faults::Mishaps, virtual_env};
use kcl_tests::{
    conformance::{BadNetwork, conforms},
    sources::{MemoryStreams, source_conforms},
};

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

#[tokio::test(start_paused = true)]
async fn the_stream_in_memory_conforms() -> Result<(), Failed> {
    // No iterators that expire, and no answers but its own.
    source_conforms(sources::Suite::new(MemoryStreams::new(virtual_env(7), |_| {})), 3).await
}

/// Ends without children, one record an answer, and a read limit.
#[tokio::test(start_paused = true)]
async fn it_conforms_in_small_answers_and_where_children_have_to_be_listed() -> Result<(), Failed> {
    let streams = MemoryStreams::new(virtual_env(8), |options| {
        (options.reports_children, options.batch_limit) = (false, 1);
        options.reads_per_second = Some(50);
    });
    source_conforms(sources::Suite::new(streams).seed(2), 3).await
}
