//! The arguments of `kcl leases`.

use clap::{Args, Subcommand};

use super::{format::Format, reset::ResetArgs};
use crate::config::Config;

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
