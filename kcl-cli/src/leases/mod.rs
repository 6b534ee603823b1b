//! `kcl leases`: who reads what, and how far they are.

mod look;
mod reset;
mod snapshot;
mod table;
mod transfer;
mod watch;

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

pub(crate) use reset::ResetArgs;
#[cfg(any(test, fuzzing))]
pub(crate) use snapshot::read_back;

use crate::{config::Config, store_url::StoreUrl};

/// The arguments of `kcl leases`.
#[derive(Args, Clone, Debug)]
pub struct LeasesArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
    /// The consumer group [setting: consumer.application_name; APP_NAME].
    #[arg(long = "app", value_name = "NAME", global = true)]
    pub application: Option<String>,
    /// Where leases are kept: dynamodb, dynamodb://TABLE, postgres://…, redis://…
    /// [setting: store; KCL_STORE; default dynamodb].
    #[arg(long, value_name = "URL", global = true)]
    pub store: Option<String>,
}

/// What to do with the leases.
#[derive(Clone, Debug, Subcommand)]
pub enum Action {
    /// Show workers and leases once. Takes as long as a heartbeat, to see who is alive.
    List {
        /// How they are shown.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        /// Do not wait for a heartbeat: who is alive is then not known.
        #[arg(long)]
        no_wait: bool,
    },
    /// Show workers and leases again and again, until told to stop.
    Watch {
        /// How they are shown.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        /// Seconds between two looks.
        #[arg(long, default_value_t = 2.0)]
        every: f64,
    },
    /// Start again from another position: every shard, or one.
    ///
    /// Shows from where to where each lease moves, asks, and does it while the application is
    /// closed: workers have to be stopped before, and those that start meanwhile wait. Should it be
    /// broken off, the same command goes on; --undo takes it back.
    ///
    /// Examples:
    ///
    ///   kcl leases reset --app indexer --to trim-horizon
    ///
    ///   kcl leases reset --app indexer --to 2026-01-31T09:00:00Z --dry-run
    ///
    ///   kcl leases reset --app indexer --lease shardId-000000000003 --to latest
    ///
    ///   kcl leases reset --app indexer --undo
    #[command(verbatim_doc_comment)]
    Reset(ResetArgs),
    /// Write the application's leases and documents as one JSON object.
    Export,
    /// Read what `export` wrote from stdin. Nothing that is there is written over.
    Import {
        /// Even while workers live there.
        #[arg(long)]
        while_running: bool,
    },
    /// Copy the application's leases and documents to another store.
    Copy {
        /// The store to read: dynamodb://TABLE, postgres://…, redis://…
        #[arg(long, value_name = "URL")]
        from: String,
        /// The store to fill.
        #[arg(long, value_name = "URL")]
        to: String,
        /// Even while workers live in one of them.
        #[arg(long)]
        while_running: bool,
    },
}

/// How workers and leases are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables to read.
    #[default]
    Table,
    /// One JSON object per look.
    Json,
}

impl LeasesArgs {
    /// The settings, with what the arguments say.
    pub(crate) fn apply_to(&self, mut config: Config) -> Config {
        if self.application.is_some() {
            config.consumer.application_name.clone_from(&self.application);
        }
        if self.store.is_some() {
            config.store.clone_from(&self.store);
        }
        if let Action::Reset(ResetArgs { stream: stream @ Some(_), .. }) = &self.action {
            config.kinesis.stream_name.clone_from(stream);
        }
        config
    }
}

/// Does it.
///
/// # Errors
/// The store's.
pub(crate) fn run(args: &LeasesArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(act(&args.action, config))?;
    Ok(ExitCode::SUCCESS)
}

async fn act(action: &Action, config: &Config) -> anyhow::Result<()> {
    if let Action::Copy { from, to, while_running } = action {
        // Read here: a message of the arguments' parser would repeat a password.
        let open = |url: &str| url.parse::<StoreUrl>()?.open_shared(config);
        let (from, to) = (open(from)?, open(to)?);
        return transfer::copy(&*from, &*to, *while_running).await;
    }
    let store = StoreUrl::of(config)?.open_shared(config)?;
    match action {
        Action::List { format, no_wait } => watch::once(&*store, *format, !no_wait).await,
        Action::Watch { format, every } => watch::forever(&*store, *format, *every).await,
        Action::Reset(args) => reset::run(args, &store, config).await,
        Action::Import { while_running } => transfer::import(&*store, *while_running).await,
        Action::Export | Action::Copy { .. } => transfer::export(&*store).await,
    }
}
