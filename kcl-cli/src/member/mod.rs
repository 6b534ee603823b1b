//! A member of a fleet, whatever it does with records: made of the settings, told of signals and of
//! changed files, asked for its figures, and given a place for the records that it skips.

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

/// What makes the worker that the settings say, once it has a processor.
///
/// # Errors
/// A setting that cannot work.
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
    declared: Option<Declaration>,
    /// It goes on until the worker is over.
    telling: Telling,
}

impl Member {
    /// The worker that the settings say, which does this with records. Data of records that it
    /// skips is kept as text, or else base64.
    ///
    /// # Errors
    /// A setting that cannot work, an address that is in use.
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

    /// A hold on the worker.
    pub(crate) fn handle(&self) -> WorkerHandle {
        self.worker.handle()
    }

    /// Runs until it is told to stop.
    ///
    /// # Errors
    /// What cannot be mended by trying again.
    pub(crate) async fn run(
        self,
        args: &MemberArgs,
        config: &Config,
        leaving: Leaving,
    ) -> anyhow::Result<()> {
        let handle = self.handle();
        tracing::info!(worker = %handle.id(), "kcl.worker.starting");
        // They end with this set.
        let mut watching = JoinSet::new();
        watching.spawn(stop::follow(Signals::listen()?, handle.clone(), leaving));
        if let Some(file) = mapping::watched_file(args) {
            let uncovered = mapping::uncovered(config);
            watching.spawn(mapping::follow(file, uncovered, self.declared, handle));
        }
        let ended = self.worker.run().await;
        // What is left is sent while a second signal still counts.
        drop(self.telling);
        Ok(ended?)
    }
}
