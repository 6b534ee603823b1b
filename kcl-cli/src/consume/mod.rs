//! `kcl consume`: a member of a fleet that writes records to stdout.

mod line;
mod metrics;
mod output;
mod processor;
mod stop;

use std::{process::ExitCode, sync::Arc};

use anyhow::Context;
use clap::Args;
use kcl_core::{
    lease::{WorkerId, Zone},
    settings::InitialPosition,
    worker::{Worker, WorkerHandle},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::{line::Format, output::Output, processor::Writing};
use crate::{
    config::{CloudwatchNames, Config},
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
    /// This worker's name; made up if it has none [setting: consumer.worker_id; POD_NAME].
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
    /// Send metrics to Amazon CloudWatch: by the names of docs/METRICS.md, or with =kcl by those of
    /// the Java KCL [setting: metrics.cloudwatch.enabled, .names; default: nothing is sent].
    #[arg(
        long, value_name = "NAMES", value_enum,
        num_args = 0..=1, require_equals = true, default_missing_value = "ours"
    )]
    pub cloudwatch: Option<CloudwatchNames>,
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
        if let Some(names) = self.cloudwatch {
            config.metrics.cloudwatch.enabled = true;
            config.metrics.cloudwatch.names = names;
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
