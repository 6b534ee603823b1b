//! The arguments that every worker has.

use std::path::PathBuf;

use clap::Args;
use kcl_core::lease::Zone;

use crate::config::{CloudwatchNames, Config};

/// The arguments that every worker has.
#[derive(Args, Clone, Debug)]
pub struct MemberArgs {
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
    /// Which shards go to which workers: shard:worker pairs by commas or lines. A pair requires its
    /// worker; shard:worker? prefers it. Rules in force that were stated otherwise may be stronger:
    /// see `kcl placement show` [setting: consumer.shard_mapping; SHARD_MAPPING].
    #[arg(long, value_name = "PAIRS")]
    pub shard_mapping: Option<String>,
    /// The same from a file: pairs, one a line, or YAML or JSON with `rules:`. A change of the file
    /// is applied while the worker runs. Stronger than the settings, weaker than --shard-mapping.
    #[arg(long, value_name = "FILE")]
    pub mapping_file: Option<PathBuf>,
    /// Where a record goes that is skipped, by `delivery.on_failure: skip-record` or `kcl leases
    /// skip`: a line of JSON with the error and the record, behind what the file holds. A new file
    /// is for its owner alone [setting: consumer.dead_letter; default: it is kept nowhere].
    #[arg(long, value_name = "FILE")]
    pub dead_letter: Option<String>,
}

impl MemberArgs {
    /// The settings, overridden by the arguments.
    pub(crate) fn apply_to(&self, mut config: Config) -> Config {
        let set = |setting: &mut Option<String>, argument: &Option<String>| {
            if argument.is_some() {
                setting.clone_from(argument);
            }
        };
        set(&mut config.consumer.worker_id, &self.worker_id);
        set(&mut config.store, &self.store);
        set(&mut config.consumer.dead_letter, &self.dead_letter);
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
        config
    }
}
