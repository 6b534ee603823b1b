//! The arguments of `kcl export`.

use clap::Args;
use kcl_core::stream::ShardId;
use kcl_migrate::Place;

use crate::{application::ApplicationArgs, ask::Consent, config::Config};

/// The arguments of `kcl export`.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    /// The target: dynamodb-kcl:TABLE, dynamodb-vmware:TABLE, or file:PATH (file:- is standard
    /// output).
    #[arg(long, value_name = "PLACE")]
    pub to: Place,
    /// The application, and the store of its leases.
    #[command(flatten)]
    pub of: ApplicationArgs,
    /// The stream's name or ARN; that of the leases, if none is named anywhere
    /// [setting: kinesis.stream_name; STREAM_NAME].
    #[arg(long)]
    pub stream: Option<String>,
    /// Export even while workers of kcl live: records that they process afterwards are processed
    /// again.
    #[arg(long)]
    pub while_running: bool,
    /// Set back rows whose checkpoints are further on than those of the leases.
    #[arg(long)]
    pub backwards: bool,
    /// To VMware-Go-KCL, which cannot stop within an aggregate: the aggregate at which this shard
    /// stands counts as processed whole. May be given again.
    #[arg(long, value_name = "SHARD")]
    pub whole_aggregate: Vec<ShardId>,
    /// Read the table no faster than this many read units a second. Default: half of what is
    /// provisioned; 1000 on demand.
    #[arg(long, value_name = "UNITS", value_parser = clap::value_parser!(u64).range(1..))]
    pub read_units: Option<u64>,
    #[command(flatten)]
    pub consent: Consent,
    /// One JSON object in place of text for what would be written, and one for what was.
    #[arg(long)]
    pub json: bool,
}

impl ExportArgs {
    /// The settings, overridden by the arguments.
    pub(crate) fn apply_to(&self, config: Config) -> Config {
        let mut config = self.of.apply_to(config);
        if self.stream.is_some() {
            config.kinesis.stream_name.clone_from(&self.stream);
        }
        config
    }
}
