//! The worker that `kcl consume` and `kcl multilang` run. The two differ only in their processors.
//!
//! | part | what it does |
//! |---|---|
//! | `args` | the arguments of both commands |
//! | `mapping` | reads the placement rules, and follows a mounted file of them |
//! | `metrics` | serves metrics to Prometheus, and sends them to CloudWatch |
//! | `dead_letter` | keeps skipped records in a file |
//! | `stop` | shuts down at the first signal, and exits at the second |

mod args;
mod dead_letter;
mod mapping;
mod metrics;
mod stop;

use std::sync::Arc;

use anyhow::Context;
use kcl_core::{
    assignment::placement::Declaration,
    lease::WorkerId,
    store::LeaseStore,
    worker::{WithProcessor, Worker, WorkerBuilder, WorkerHandle},
};
use tokio::task::JoinSet;

pub(crate) use args::MemberArgs;
pub(crate) use stop::Leaving;

use self::{dead_letter::DeadLetters, metrics::Telling};
use crate::{
    config::{AssignmentMode, Config},
    connect,
    signals::Signals,
};

/// A builder of the worker that the settings describe. The caller adds the processor.
///
/// # Errors
/// A setting is invalid.
pub(crate) fn builder(
    config: &Config,
    store: Arc<dyn LeaseStore>,
) -> anyhow::Result<WorkerBuilder> {
    let source = connect::source(config)?;
    Ok(Worker::shared_builder(Arc::new(source), store).settings(config.worker_settings()?))
}

/// A worker that is ready to run.
#[derive(Debug)]
pub(crate) struct Member {
    worker: Worker,
    /// The placement rules that the worker declares; `None` if it declares none.
    declared: Option<Declaration>,
    /// Serves and sends the metrics until it is dropped, after the worker.
    telling: Telling,
}

impl Member {
    /// The worker of a builder with a processor. A dead letter keeps the data of a record as text
    /// if it is UTF-8, else as base64.
    ///
    /// # Errors
    /// A setting is invalid, or an address is in use.
    pub(crate) fn new(
        args: &MemberArgs,
        config: &Config,
        mut builder: WorkerBuilder<WithProcessor>,
        text: bool,
    ) -> anyhow::Result<Self> {
        if config.consumer.assignment_mode == AssignmentMode::Manual {
            builder = builder.needs_placement_rules();
        }
        let declared = mapping::declared(args, config)?;
        if let Some(declaration) = &declared {
            builder = builder.placement(declaration.clone());
        }
        if let Some(id) = &config.consumer.worker_id {
            let id: WorkerId = id.parse().with_context(|| format!("the worker id {id:?}"))?;
            builder = builder.worker_id(id);
        }
        if let Some(dead_letters) = DeadLetters::of(config, text)? {
            builder = builder.dead_letter(dead_letters);
        }
        let (builder, telling) = metrics::tell(builder, config)?;
        Ok(Self { worker: builder.build()?, declared, telling })
    }

    /// A handle of the worker.
    pub(crate) fn handle(&self) -> WorkerHandle {
        self.worker.handle()
    }

    /// Runs the worker until a signal ends it.
    ///
    /// # Errors
    /// The worker failed in a way that a retry does not mend.
    pub(crate) async fn run(
        self,
        args: &MemberArgs,
        config: &Config,
        leaving: Leaving,
    ) -> anyhow::Result<()> {
        let handle = self.handle();
        tracing::info!(worker = %handle.id(), "kcl.worker.starting");
        // These tasks end when the set is dropped.
        let mut watching = JoinSet::new();
        watching.spawn(stop::follow(Signals::listen()?, handle.clone(), leaving));
        if let Some(file) = mapping::watched_file(args) {
            let uncovered = mapping::uncovered(config);
            watching.spawn(mapping::follow(file, uncovered, self.declared, handle));
        }
        let ended = self.worker.run().await;
        // The last metrics are sent here, while a second signal can still end the process.
        drop(self.telling);
        Ok(ended?)
    }
}
