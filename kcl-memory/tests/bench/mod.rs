//! A stream and a store for whole workers on virtual time.

#![allow(clippy::unwrap_used, reason = "what goes wrong fails the test")]

use std::{future::Future, ops::Range, time::Duration};

use kcl_core::{
    env::Env,
    worker::{Worker, WorkerHandle},
};
use kcl_memory::{MemoryServer, MemoryStream, stream::StreamOptions, virtual_env};

/// A stream, a store, and the time that passes for both.
#[derive(Clone)]
pub(crate) struct Bench {
    pub(crate) env: Env,
    pub(crate) stream: MemoryStream,
    pub(crate) server: MemoryServer,
}

/// Runs a test on virtual time, with a stream of so many shards.
pub(crate) fn virtually<F: Future>(shards: u32, test: impl FnOnce(Bench) -> F) -> F::Output {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().start_paused(true).build().unwrap().block_on(async {
        let env = virtual_env(7);
        let mut options = StreamOptions::new("orders");
        (options.shards, options.env) = (shards, env.clone());
        let server = MemoryServer::with_clock(env.clock.clone());
        test(Bench { env, stream: MemoryStream::with(options), server }).await
    })
}

/// Runs a worker beside the test.
#[allow(clippy::disallowed_methods, reason = "a test may spawn")]
pub(crate) fn run(worker: Worker) -> WorkerHandle {
    let handle = worker.handle();
    tokio::spawn(worker.run());
    handle
}

impl Bench {
    /// Puts records that are numbers.
    pub(crate) fn put(&self, numbers: Range<u32>) {
        for n in numbers {
            self.stream.put(&format!("key-{n}"), n.to_string()).unwrap();
        }
    }

    pub(crate) async fn sleep(&self, seconds: u64) {
        self.env.clock.sleep(Duration::from_secs(seconds)).await;
    }
}
