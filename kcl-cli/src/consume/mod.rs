//! `kcl consume`: a member of a fleet that writes records to stdout.

mod line;
mod mapping;
mod output;
mod processor;
mod stop;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Context;
use clap::Args;
use kcl_core::{
    lease::{WorkerId, Zone},
    settings::InitialPosition,
    worker::{WithProcessor, Worker, WorkerBuilder, WorkerHandle},
};
use kcl_metrics::{Listener, Metrics};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::{line::Format, output::Output, processor::Writing};
use crate::{
    config::{AssignmentMode, Config},
    connect,
    signals::Signals,
    start_at, stdout,
    store_url::StoreUrl,
};

/// The arguments of `kcl consume`.
#[derive(Args, Clone, Debug)]
pub struct ConsumeArgs {
    /// The stream's name or ARN; by an ARN it is read in the ARN's region, while leases stay in
    /// that of --region [setting: kinesis.stream_name; STREAM_NAME].
    #[arg(long)]
    pub stream: Option<String>,
    /// The consumer group: workers of one name share the stream
    /// [setting: consumer.application_name; APP_NAME].
    #[arg(long = "app", value_name = "NAME")]
    pub application: Option<String>,
    /// This worker's name; POD_NAME, if no source names it, else made up
    /// [setting: consumer.worker_id].
    #[arg(long)]
    pub worker_id: Option<String>,
    /// Where this worker runs, like an availability zone: planner and standbys are chosen from
    /// different ones [setting: coordination.zone; KCL_ZONE].
    #[arg(long)]
    pub zone: Option<Zone>,
    /// Where leases are kept: dynamodb, dynamodb://TABLE, postgres://…, redis://…, memory:
    /// [setting: store; KCL_STORE; default dynamodb].
    #[arg(long, value_name = "URL")]
    pub store: Option<String>,
    /// Where to begin in a stream that nobody of the group has read: trim-horizon, latest, a time
    /// like 2026-01-31T09:00:00Z, or seconds since 1970 (with 13 digits: milliseconds)
    /// [setting: coordination.initial_position; default trim-horizon].
    #[arg(long, value_name = "POSITION", value_parser = start_at::parse)]
    pub initial_position: Option<InitialPosition>,
    /// Serve /metrics (Prometheus), /livez and /readyz here: on a port for this machine alone, like
    /// 9464, or on an address, like 0.0.0.0:9464. If that is in use, the worker does not start
    /// [setting: metrics.listen; default: not served].
    #[arg(long, value_name = "ADDR")]
    pub metrics: Option<String>,
    /// Which shards go to which workers: shard:worker pairs by commas or lines. A pair requires its
    /// worker; shard:worker? prefers it. Rules in force that were stated otherwise may be stronger:
    /// see `kcl placement show` [setting: consumer.shard_mapping; SHARD_MAPPING].
    #[arg(long, value_name = "PAIRS")]
    pub shard_mapping: Option<String>,
    /// The same from a file: pairs, one a line, or YAML or JSON with `rules:`. A change of the file
    /// is applied while the worker runs. Stronger than the settings, weaker than --shard-mapping.
    #[arg(long, value_name = "FILE")]
    pub mapping_file: Option<PathBuf>,
    /// Write `data` as text where it is UTF-8, else base64 as `data_base64`.
    #[arg(long)]
    pub text: bool,
}

impl ConsumeArgs {
    /// The settings, with what the arguments say.
    pub(crate) fn apply_to(&self, mut config: Config) -> Config {
        let set = |setting: &mut Option<String>, argument: &Option<String>| {
            if argument.is_some() {
                setting.clone_from(argument);
            }
        };
        set(&mut config.kinesis.stream_name, &self.stream);
        set(&mut config.consumer.application_name, &self.application);
        set(&mut config.consumer.worker_id, &self.worker_id);
        set(&mut config.store, &self.store);
        if let Some(address) = &self.metrics {
            config.metrics.listen = Some(address.as_str().into());
        }
        if self.zone.is_some() {
            config.coordination.zone.clone_from(&self.zone);
        }
        if let Some(position) = self.initial_position {
            config.coordination.initial_position = position;
        }
        config
    }
}

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
    // It answers until the worker is over.
    let (builder, _listener) = serve_metrics(builder, config)?;
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
    worker.run().await?;
    if let Some(error) = output.failure() {
        return Err(stdout::failed(error));
    }
    Ok(ExitCode::SUCCESS)
}

/// The same worker, with its metrics and probes served where the settings say.
fn serve_metrics(
    builder: WorkerBuilder<WithProcessor>,
    config: &Config,
) -> anyhow::Result<(WorkerBuilder<WithProcessor>, Option<Listener>)> {
    let Some(address) = config.metrics_address()? else { return Ok((builder, None)) };
    let metrics = Metrics::new();
    let listener = Listener::start(address, metrics.clone())?;
    tracing::info!(address = %listener.address(), "kcl.metrics.listening");
    Ok((builder.observer(metrics), Some(listener)))
}

/// Leaves when nobody reads what is written.
async fn leave_when_closed(output: Output, handle: WorkerHandle, leaving: CancellationToken) {
    output.failed().await;
    leaving.cancel();
    handle.shut_down();
}
