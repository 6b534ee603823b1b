//! `kcl consume`: a member of a fleet that writes records to stdout.

mod args;
mod mapping;
mod metrics;
mod output;
mod processor;
mod stop;

use std::{process::ExitCode, sync::Arc};

use anyhow::Context;
use kcl_core::{
    lease::WorkerId,
    worker::{Worker, WorkerHandle},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(crate) use args::ConsumeArgs;

use self::{output::Output, processor::Writing};
use crate::{
    config::{AssignmentMode, Config},
    connect,
    line::Format,
    signals::Signals,
    stdout,
    store_url::StoreUrl,
};

/// Reads until it is told to stop. What was not written and flushed is not checkpointed.
///
/// # Errors
/// What cannot be mended by trying again; standard output cannot be written any more.
pub(crate) fn run(args: &ConsumeArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(consume(args, config));
    // A writer that nobody reads from would be waited for otherwise.
    runtime.shutdown_background();
    result
}

async fn consume(args: &ConsumeArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let source = connect::source(config)?;
    let store = StoreUrl::of(config)?.open(config)?;
    let settings = config.worker_settings()?;
    let leaving = CancellationToken::new();
    let output = Output::start(std::io::stdout()).context("no thread to write stdout with")?;
    let writing = Writing {
        format: Format { stream: config.stream()?.short().into(), text: args.text },
        output: output.clone(),
        give_up: leaving.clone(),
    };
    let mut builder =
        Worker::shared_builder(Arc::new(source), store).settings(settings).processor(writing);
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
    // They go on until the worker is over.
    let (builder, telling) = metrics::tell(builder, config)?;
    let worker = builder.build()?;
    let handle = worker.handle();
    tracing::info!(worker = %handle.id(), "kcl.worker.starting");
    // They end with this set.
    let mut watching = JoinSet::new();
    watching.spawn(stop::follow(Signals::listen()?, handle.clone(), leaving.clone()));
    if let Some(file) = mapping::watched_file(args) {
        let uncovered = mapping::uncovered(config);
        watching.spawn(mapping::follow(file, uncovered, declared, handle.clone()));
    }
    watching.spawn(leave_when_closed(output.clone(), handle, leaving));
    let ended = worker.run().await;
    // What is left is sent while a second signal still counts.
    drop(telling);
    ended?;
    if let Some(error) = output.failure() {
        return Err(stdout::failed(error));
    }
    Ok(ExitCode::SUCCESS)
}

/// Leaves when nobody reads what is written.
async fn leave_when_closed(output: Output, handle: WorkerHandle, leaving: CancellationToken) {
    output.failed().await;
    leaving.cancel();
    handle.shut_down();
}
