//! `kcl leases`: who reads what, and how far they are.

mod export;
mod look;
mod table;
mod watch;

use std::{process::ExitCode, sync::Arc};

use clap::{Args, Subcommand, ValueEnum};
use kcl_core::store::LeaseStore;

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
    /// Where leases are kept: dynamodb, dynamodb://TABLE [setting: store; KCL_STORE].
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
    /// Write everything the store holds of the application as one JSON object.
    Export,
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
        config
    }
}

/// Does it.
///
/// # Errors
/// The store's.
pub(crate) fn run(args: &LeasesArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let store = StoreUrl::of(config)?.open_shared(config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(act(&args.action, store))?;
    Ok(ExitCode::SUCCESS)
}

async fn act(action: &Action, store: Arc<dyn LeaseStore>) -> anyhow::Result<()> {
    match action {
        Action::List { format, no_wait } => watch::once(&*store, *format, !no_wait).await,
        Action::Watch { format, every } => watch::forever(&*store, *format, *every).await,
        Action::Export => export::export(&*store).await,
    }
}
