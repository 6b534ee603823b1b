//! The arguments of `kcl leases`.

use clap::{Args, Subcommand};

use super::{format::Format, reset::ResetArgs};
use crate::{application::ApplicationArgs, config::Config};

/// The arguments of `kcl leases`.
#[derive(Args, Clone, Debug)]
pub struct LeasesArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
    /// Of which application.
    #[command(flatten)]
    pub of: ApplicationArgs,
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
    pub(crate) fn apply_to(&self, config: Config) -> Config {
        let mut config = self.of.apply_to(config);
        if let Action::Reset(ResetArgs { stream: stream @ Some(_), .. }) = &self.action {
            config.kinesis.stream_name.clone_from(stream);
        }
        config
    }
}
