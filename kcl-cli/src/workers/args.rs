//! The arguments of `kcl workers`.

use clap::{Args, Subcommand};
use kcl_core::lease::WorkerId;

use crate::{application::ApplicationArgs, ask::Consent, config::Config};

/// The arguments of `kcl workers`.
#[derive(Args, Clone, Debug)]
pub struct WorkersArgs {
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

/// What to do with workers.
#[derive(Clone, Debug, Subcommand)]
pub enum Action {
    /// Show the workers once: which are alive, which are drained, their leases and their lag.
    /// Takes as long as a heartbeat.
    List,
    /// Have these workers hand over their leases and get none, until they are undrained, also when
    /// they are restarted. Each shard is read by another worker before its own releases it; nobody
    /// reads the shards that a placement rule requires of them.
    Drain {
        /// The ids of the workers.
        #[arg(value_name = "WORKER", required = true)]
        workers: Vec<WorkerId>,
        #[command(flatten)]
        consent: Consent,
    },
    /// Give workers their share again.
    Undrain {
        /// The ids of the workers.
        #[arg(value_name = "WORKER", required_unless_present = "all")]
        workers: Vec<WorkerId>,
        /// All drained workers.
        #[arg(long, conflicts_with = "workers")]
        all: bool,
        #[command(flatten)]
        consent: Consent,
    },
}

impl WorkersArgs {
    /// The settings, overridden by the arguments.
    pub(crate) fn apply_to(&self, config: Config) -> Config {
        let mut config = self.of.apply_to(config);
        if self.stream.is_some() {
            config.kinesis.stream_name.clone_from(&self.stream);
        }
        config
    }
}
