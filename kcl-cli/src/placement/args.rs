//! The arguments of `kcl placement`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use kcl_core::assignment::placement::Uncovered;

use crate::{application::ApplicationArgs, ask::Consent, config::Config};

/// The arguments of `kcl placement`.
#[derive(Args, Clone, Debug)]
pub struct PlacementArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
    /// The application.
    #[command(flatten)]
    pub of: ApplicationArgs,
    /// The stream's name or ARN; that of the leases, if none is named anywhere
    /// [setting: kinesis.stream_name; STREAM_NAME].
    #[arg(long, global = true)]
    pub stream: Option<String>,
    /// One JSON object on stdout.
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do with the placement rules.
#[derive(Clone, Debug, Subcommand)]
pub enum Action {
    /// Show the rules, their source, and which shards follow them. Changes nothing.
    Show,
    /// Set rules: shards, or ranges of hash keys, and the workers they go to.
    ///
    /// A rule for the same shard or range is replaced. A pair requires its worker: nobody else
    /// reads the shard, also while the worker is away. One that ends in a question mark prefers
    /// it: others read the shard while the worker is away.
    ///
    /// Examples:
    ///
    ///   kcl placement set --app indexer shardId-000000000003:worker-1
    ///
    ///   kcl placement set --app indexer shardId-000000000003:worker-1?
    ///
    ///   kcl placement set --app indexer --range 0-170141183460469231731687303715884105727:worker-1
    #[command(verbatim_doc_comment)]
    Set {
        /// Pairs like shardId-…:worker-1, which requires, or shardId-…:worker-1?, which prefers.
        #[arg(value_name = "SHARD:WORKER")]
        pairs: Vec<String>,
        /// A range of hash keys in decimal, both ends in it, and its worker.
        #[arg(long, value_name = "START-END:WORKER")]
        range: Vec<String>,
        /// The treatment of shards that no rule covers.
        #[arg(long, value_enum)]
        uncovered: Option<Others>,
        #[command(flatten)]
        consent: Consent,
    },
    /// Take rules back.
    Unset {
        /// The shards whose rules go.
        #[arg(value_name = "SHARD")]
        shards: Vec<String>,
        /// A range whose rule goes.
        #[arg(long, value_name = "START-END")]
        range: Vec<String>,
        /// Every rule, and other shards are balanced.
        #[arg(long, conflicts_with_all = ["shards", "range"])]
        all: bool,
        #[command(flatten)]
        consent: Consent,
    },
    /// Show which leases would move, and what is wrong with the rules: those in the store, or those
    /// of a file. Changes nothing.
    ///
    /// Exit code: 0 if nothing is wrong, 1 if there are findings, 2 if there is no verdict.
    Check {
        /// A file of rules, judged as if it were applied.
        file: Option<PathBuf>,
    },
    /// Put the rules of a file in the place of those that are there: shard:worker pairs, or YAML or
    /// JSON with `rules:`.
    Apply {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        consent: Consent,
    },
    /// Let the maps that workers are started with count again, after a command changed the rules.
    ///
    /// Rules stay as they are until a worker that starts, or whose mapping file changes, declares a
    /// map that is new, or the one that was applied last; earlier ones stay superseded.
    Adopt {
        #[command(flatten)]
        consent: Consent,
    },
}

/// The treatment of shards that no rule covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Others {
    /// They are balanced among all workers.
    Balance,
    /// Nobody reads them.
    Hold,
}

impl From<Others> for Uncovered {
    fn from(others: Others) -> Self {
        match others {
            Others::Balance => Self::Balance,
            Others::Hold => Self::Hold,
        }
    }
}

impl PlacementArgs {
    /// The settings, overridden by the arguments.
    pub(crate) fn apply_to(&self, config: Config) -> Config {
        let mut config = self.of.apply_to(config);
        if self.stream.is_some() {
            config.kinesis.stream_name.clone_from(&self.stream);
        }
        config
    }
}
