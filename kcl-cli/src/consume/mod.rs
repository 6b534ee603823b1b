//! `kcl consume`: a member of a fleet that writes records to stdout.

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
    let builder = member::builder(config, StoreUrl::of(config)?.open(config)?)?;
    let give_up = CancellationToken::new();
    let output = Output::start(std::io::stdout()).context("no thread to write stdout with")?;
    let writing = Writing {
        format: Format { stream: config.stream()?.short().into(), text: args.text },
        output: output.clone(),
        give_up: give_up.clone(),
    };
    let member = Member::new(&args.member, config, builder.processor(writing), args.text)?;
    // It ends with this set.
    let mut watching = JoinSet::new();
    watching.spawn(leave_when_closed(output.clone(), member.handle(), give_up.clone()));
    let leaving = Leaving { give_up, at_once: Box::new(|| {}) };
    member.run(&args.member, config, leaving).await?;
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
