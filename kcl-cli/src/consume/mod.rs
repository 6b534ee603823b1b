//! `kcl consume`: runs a worker that writes the records of its shards to stdout, as lines of JSON.
//!
//! - `processor` makes lines of each batch. The batch is processed when its lines are flushed.
//! - `output` writes the lines from a thread of its own, so that a reader that stops reading blocks
//!   neither heartbeats nor signals.
//! - `member`, beside this folder, is the rest of the worker.

mod args;
mod output;
mod processor;

use std::process::ExitCode;

use anyhow::Context;
use kcl_core::worker::WorkerHandle;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(crate) use args::ConsumeArgs;

use self::{output::Output, processor::Writing};
use crate::{
    config::Config,
    line::Format,
    member::{self, Leaving, Member},
    stdout,
    store_url::StoreUrl,
};

/// Runs the worker until a signal ends it, or the reader of stdout is gone. Only records that were
/// written and flushed are checkpointed.
///
/// # Errors
/// The worker failed in a way that a retry does not mend, or stdout cannot be written any more.
pub(crate) fn run(args: &ConsumeArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(consume(args, config));
    // A shutdown that waits would wait for a write that no reader takes.
    runtime.shutdown_background();
    result
}

/// Builds the worker and its output, and runs the worker to its end.
async fn consume(args: &ConsumeArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let builder = member::builder(config, StoreUrl::of(config)?.open(config)?)?;
    let give_up = CancellationToken::new();
    let output = Output::start(std::io::stdout()).context("no thread to write stdout with")?;
    let writing = Writing {
        format: Format { stream: config.stream()?.short().into(), text: args.text },
        output: output.clone(),
        give_up: give_up.clone(),
    };
    let member = Member::new(&args.member, config, builder.processor(writing), args.text)?;
    // The task ends when the set is dropped.
    let mut watching = JoinSet::new();
    watching.spawn(leave_when_closed(output.clone(), member.handle(), give_up.clone()));
    let leaving = Leaving { give_up, at_once: Box::new(|| {}) };
    member.run(&args.member, config, leaving).await?;
    if let Some(error) = output.failure() {
        return Err(stdout::failed(error));
    }
    Ok(ExitCode::SUCCESS)
}

/// Shuts the worker down when the output has failed.
async fn leave_when_closed(output: Output, handle: WorkerHandle, leaving: CancellationToken) {
    output.failed().await;
    leaving.cancel();
    handle.shut_down();
}
