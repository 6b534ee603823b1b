//! Workers in this process, and the stream they read.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use kcl_core::{
    processor::{ProcessorError, RecordBatch},
    settings::Settings,
    stream::{Shard, StreamSource},
    worker::{Worker, WorkerError, WorkerHandle},
};
use kcl_memory::{MemoryStream, stream::StreamOptions};
use tokio::task::JoinHandle;

use crate::{arguments::Arguments, backend::Server, counts::Counter};

/// How long a fleet may take to share everything out.
const PATIENCE: Duration = Duration::from_secs(300);

/// How long nothing has to have changed hands before anything is counted.
const CALM: Duration = Duration::from_secs(10);

/// A fleet that shares a stream of as many shards as there are to be leases.
pub(crate) struct Fleet {
    stream: MemoryStream,
    shards: Vec<Shard>,
    workers: Vec<(WorkerHandle, JoinHandle<Result<(), WorkerError>>)>,
}

/// The times of the fleet.
pub(crate) fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.coordination.checkpoint_interval = Duration::from_secs(1);
    settings
}

impl Fleet {
    /// Starts everybody, and waits until the leases are shared out.
    pub(crate) async fn start(
        server: &Server,
        counter: &Counter,
        arguments: &Arguments,
    ) -> Result<Self> {
        let mut options = StreamOptions::new("bench");
        options.shards = arguments.leases;
        options.poll_interval = Duration::from_millis(200);
        let stream = MemoryStream::with(options);
        let shards = stream.shards().await?;
        let mut fleet = Self { stream, shards, workers: Vec::new() };
        server.store("bench")?.prepare().await?;
        for number in 0..arguments.workers {
            fleet.start_worker(number, counter.before(server.store("bench")?))?;
        }
        fleet.share_out(arguments).await?;
        Ok(fleet)
    }

    #[expect(clippy::disallowed_methods, reason = "a benchmark may spawn")]
    fn start_worker(
        &mut self,
        number: usize,
        store: Arc<dyn kcl_core::store::LeaseStore>,
    ) -> Result<()> {
        let nothing = |_: RecordBatch| async { Ok::<(), ProcessorError>(()) };
        let worker = Worker::shared_builder(Arc::new(self.stream.clone()), store)
            .worker_id(format!("worker-{number:03}").parse()?)
            .settings(settings())
            .for_each_batch(nothing)
            .build()?;
        self.workers.push((worker.handle(), tokio::spawn(worker.run())));
        Ok(())
    }

    async fn share_out(&self, arguments: &Arguments) -> Result<()> {
        let (mut last, mut calm, mut waited) = (Vec::new(), Duration::ZERO, Duration::ZERO);
        let step = Duration::from_millis(500);
        while calm < CALM {
            ensure!(waited < PATIENCE, "not shared out after {PATIENCE:?}: {last:?}");
            pause(step).await;
            waited += step;
            let held = self.held();
            let all = held.iter().sum::<usize>() == arguments.leases as usize;
            calm = if all && held == last { calm + step } else { Duration::ZERO };
            last = held;
        }
        Ok(())
    }

    fn held(&self) -> Vec<usize> {
        self.workers.iter().map(|(worker, _)| worker.status().leases.len()).collect()
    }

    /// Puts a record into every shard.
    pub(crate) fn put_everywhere(&self) -> Result<()> {
        for shard in &self.shards {
            let hash = shard.range.map(|range| range.start);
            if let Some(hash) = hash {
                self.stream.put_hashed(hash, shard.id.as_str(), "a record")?;
            }
        }
        Ok(())
    }

    /// Everybody goes home.
    pub(crate) async fn stop(self) -> Result<()> {
        for (worker, _) in &self.workers {
            worker.shut_down();
        }
        for (_, task) in self.workers {
            task.await??;
        }
        Ok(())
    }
}

/// Lets time pass for the workers.
#[expect(clippy::disallowed_methods, reason = "workers keep to the machine's clock")]
pub(crate) async fn pause(span: Duration) {
    tokio::time::sleep(span).await;
}
