//! The arguments of `kcl import`.

use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use kcl_core::{
    change::Place as InShard, env::WallTime, settings::InitialPosition, stream::ShardId,
};
use kcl_migrate::{ImportOptions, Place, Said};

use crate::{application::ApplicationArgs, config::Config, start_at};

/// The arguments of `kcl import`.
#[derive(Args, Clone, Debug)]
pub struct ImportArgs {
    /// The place of the leases: dynamodb-kcl:TABLE, dynamodb-vmware:TABLE, or file:PATH with what
    /// `kcl export` wrote (file:- is standard input).
    #[arg(long, value_name = "PLACE", required_unless_present = "abandon")]
    pub from: Option<Place>,
    /// The application, and the store for its leases.
    #[command(flatten)]
    pub of: ApplicationArgs,
    /// The stream's name or ARN [setting: kinesis.stream_name; STREAM_NAME].
    #[arg(long)]
    pub stream: Option<String>,
    /// Show what would be taken, from where, and what is in the way; change nothing.
    #[arg(long, conflicts_with_all = ["prepare", "finish", "abandon"])]
    pub dry_run: bool,
    /// While the old fleet still runs: check everything and close the application, so that workers
    /// of kcl can be started and wait. --finish goes on, --abandon takes it back.
    #[arg(long, conflicts_with_all = ["finish", "abandon"])]
    pub prepare: bool,
    /// After the old fleet has stopped: go on with what was prepared.
    #[arg(long, conflicts_with = "abandon")]
    pub finish: bool,
    /// Open an application again that was closed by --prepare, without leases.
    #[arg(long)]
    pub abandon: bool,
    /// The fence that keeps the old fleet from writing. Without it the table is watched for twice
    /// the old fleet's failover time.
    #[arg(long, value_enum, value_name = "FENCE")]
    pub fence: Option<NamedFence>,
    /// The old fleet's failover time: within it each of its workers writes to the table.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = span)]
    pub failover: Duration,
    /// Where a shard begins whose row says LATEST or has no checkpoint: trim-horizon, latest, or a
    /// time like 2026-01-31T09:00:00Z.
    #[arg(long, value_name = "POSITION", default_value = "trim-horizon", value_parser = position)]
    pub latest_as: InitialPosition,
    /// Where a shard begins whose row says AT_TIMESTAMP: the time in the old fleet's settings.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub timestamp: Option<WallTime>,
    /// Where one shard is, whatever the table says: SHARD=ended, or SHARD= and a position as above
    /// or the sequence number of the last record that counts as processed. May be given again.
    #[arg(long = "shard", value_name = "SHARD=POSITION", value_parser = said)]
    pub shards: Vec<(ShardId, Said)>,
    /// Set leases that the application has already to where the table stands. `kcl leases reset
    /// --undo` takes it back.
    #[arg(long)]
    pub replace: bool,
    /// Read the table no faster than this many read units a second. Default: half of what is
    /// provisioned; 1000 on demand.
    #[arg(long, value_name = "UNITS", value_parser = clap::value_parser!(u64).range(1..))]
    pub read_units: Option<u64>,
    /// The name of the old fleet's application, if it is not that of its lease table: the Java KCL
    /// 3.0 to 3.4 has the tables NAME-CoordinatorState and NAME-WorkerMetricStats beside it, which
    /// show whether the fleet is between two releases, and which workers live.
    #[arg(long, value_name = "NAME")]
    pub old_app: Option<String>,
    /// From a file: even while workers live there.
    #[arg(long)]
    pub while_running: bool,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    /// One JSON object in place of text for what would be taken, and one for what was.
    #[arg(long)]
    pub json: bool,
}

/// The fence that the operator names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NamedFence {
    /// You have revoked the old role's right to write its table.
    WritesRevoked,
    /// You say that the old fleet is at zero. The table is kept.
    AtZero,
}

impl ImportArgs {
    /// The settings, overridden by the arguments.
    pub(crate) fn apply_to(&self, config: Config) -> Config {
        let mut config = self.of.apply_to(config);
        if self.stream.is_some() {
            config.kinesis.stream_name.clone_from(&self.stream);
        }
        config
    }

    /// The place to import from.
    ///
    /// # Errors
    /// `--from` is missing. Only `--abandon` does without it.
    pub(super) fn place(&self) -> anyhow::Result<&Place> {
        self.from.as_ref().context("--from says where the leases are")
    }

    /// The checkpoints that the operator gives.
    pub(super) fn options(&self) -> ImportOptions {
        let mut options = ImportOptions::default();
        options.latest_as = self.latest_as;
        options.timestamp = self.timestamp;
        options.said = self.shards.iter().cloned().collect();
        options
    }
}

fn position(text: &str) -> Result<InitialPosition, String> {
    start_at::parse(text)
}

fn time(text: &str) -> Result<WallTime, String> {
    match start_at::parse(text)? {
        InitialPosition::AtTimestamp(at) => Ok(at),
        _ => Err("expected a time like 2026-01-31T09:00:00Z, or seconds since 1970".to_owned()),
    }
}

fn span(text: &str) -> Result<Duration, String> {
    let span = humantime_serde::re::humantime::parse_duration(text);
    let span = span.map_err(|error| format!("{text:?}: {error}; write a time like 10s"))?;
    if (Duration::from_millis(100)..=Duration::from_hours(1)).contains(&span) {
        return Ok(span);
    }
    Err(format!("{text:?}: choose 100ms to 1h"))
}

fn said(text: &str) -> Result<(ShardId, Said), String> {
    let parse = || -> anyhow::Result<(ShardId, Said)> {
        let (shard, position) = text.split_once('=').context("expected SHARD=POSITION")?;
        let shard = shard.parse()?;
        if position == "ended" {
            return Ok((shard, Said::Ended));
        }
        let place: InShard = match (position.parse(), start_at::parse(position)) {
            (Ok(place), _) => place,
            (Err(_), Ok(position)) => position.into(),
            (Err(error), Err(_)) => return Err(anyhow!("{error}, or ended")),
        };
        Ok((shard, Said::At(place)))
    };
    parse().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_at_any_position_or_ended() {
        let shard: ShardId = "shardId-1".parse().unwrap();
        assert_eq!(said("shardId-1=ended"), Ok((shard.clone(), Said::Ended)));
        let at = Said::At(InShard::TrimHorizon);
        assert_eq!(said("shardId-1=trim-horizon"), Ok((shard.clone(), at)));
        let at = Said::At(InShard::At(WallTime::from_millis(1_769_850_000_000)));
        assert_eq!(said("shardId-1=2026-01-31T09:00:00Z"), Ok((shard.clone(), at)));
        let at = Said::At("4959.3".parse().unwrap());
        assert_eq!(said("shardId-1=4959:3"), Ok((shard, at)));
        for (odd, says) in
            [("shardId-1", "SHARD=POSITION"), ("a/b=ended", "no shard"), ("s=x", "ended")]
        {
            assert!(said(odd).unwrap_err().contains(says), "{odd}");
        }
    }

    #[test]
    fn a_failover_time_is_one_that_a_fleet_can_have() {
        assert_eq!(span("10s"), Ok(Duration::from_secs(10)));
        assert!(span("10ms").unwrap_err().contains("100ms to 1h"));
        assert!(span("ten").is_err() && time("latest").unwrap_err().contains("a time like"));
    }
}
