//! `kcl stream`: creates, describes, reshards and deletes a stream. `admin` makes the calls,
//! `describe` shows the stream, `half` splits half of its shards.

mod admin;
mod describe;
mod half;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use kcl_core::stream::HashKey;

use self::admin::Admin;
use crate::{config::Config, connect};

/// The arguments of `kcl stream`.
#[derive(Args, Clone, Debug)]
pub struct StreamArgs {
    /// What to do with the stream.
    #[command(subcommand)]
    pub action: Action,
    /// The stream's name or ARN; by an ARN it is looked for in the ARN's region
    /// [setting: kinesis.stream_name; STREAM_NAME].
    #[arg(long, value_name = "STREAM", global = true)]
    pub stream: Option<String>,
}

impl StreamArgs {
    /// The settings, overridden by the arguments.
    pub(crate) fn apply_to(&self, mut config: Config) -> Config {
        if self.stream.is_some() {
            config.kinesis.stream_name.clone_from(&self.stream);
        }
        config
    }
}

/// What to do with the stream.
#[derive(Clone, Debug, Subcommand)]
pub enum Action {
    /// Create it, and wait until it is active.
    Create {
        /// How many shards it has.
        #[arg(long, default_value_t = 1)]
        shards: i32,
    },
    /// Show it and its shards.
    Describe {
        /// One JSON object instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Bring it to a number of open shards, in as many steps as Kinesis asks for.
    Reshard {
        /// How many open shards.
        #[arg(long)]
        to: i32,
    },
    /// Split a shard in two, or with --half the widest half of the open ones: half as many again.
    Split {
        /// Its id.
        #[arg(required_unless_present = "half")]
        shard: Option<String>,
        /// The first hash key of the upper child; the middle without it.
        #[arg(long)]
        at: Option<HashKey>,
        /// The half of the open shards that covers most, each in the middle, one after another.
        /// Shows which, and asks.
        #[arg(long, conflicts_with_all = ["shard", "at"])]
        half: bool,
        /// With --half: do not ask.
        #[arg(long, requires = "half")]
        yes: bool,
    },
    /// Merge two adjacent shards.
    Merge {
        /// The one id.
        shard: String,
        /// The other.
        with: String,
    },
    /// Delete it, with every record in it.
    Delete,
}

/// Runs the command, and waits until the change is made.
///
/// # Errors
/// The service refuses the change, does not answer, or does not finish it within ten minutes.
pub(crate) fn run(args: &StreamArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(act(&args.action, config))?;
    Ok(ExitCode::SUCCESS)
}

async fn act(action: &Action, config: &Config) -> anyhow::Result<()> {
    let admin = Admin {
        client: connect::kinesis(config).await?,
        source: connect::source(config)?,
        stream: config.stream()?,
    };
    match action {
        Action::Create { shards } => admin.create(*shards).await,
        Action::Describe { json } => describe::show(&admin, *json).await,
        Action::Reshard { to } => admin.reshard(*to).await,
        Action::Split { shard: Some(shard), at, .. } => admin.split(shard, *at).await,
        Action::Split { shard: None, yes, .. } => half::split(&admin, *yes).await,
        Action::Merge { shard, with } => admin.merge(shard, with).await,
        Action::Delete => admin.delete().await,
    }
}
