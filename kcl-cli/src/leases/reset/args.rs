//! The arguments of `kcl leases reset`.

use anyhow::anyhow;
use clap::Args;
use kcl_core::{
    change::{Place, Reset},
    settings::InitialPosition,
};

use crate::{leases::format::Format, start_at};

/// The arguments of `kcl leases reset`.
#[derive(Args, Clone, Debug, Default)]
pub struct ResetArgs {
    /// Where reading goes on: trim-horizon, latest, or a time like 2026-01-31T09:00:00Z. With
    /// --lease also a sequence number like 4959…0898 or 4959…0898:3, of the last record that
    /// counts as processed.
    #[arg(long, value_name = "POSITION", required_unless_present = "undo")]
    pub to: Option<String>,
    /// Every shard, which is meant if no --lease is given.
    #[arg(long, conflicts_with = "lease")]
    pub all: bool,
    /// One shard alone, by its name.
    #[arg(long, value_name = "SHARD")]
    pub lease: Option<String>,
    /// The shards that came from it, too, from their beginnings.
    #[arg(long, requires = "lease")]
    pub with_descendants: bool,
    /// Take back a reset that was broken off; if there is none, the last one.
    #[arg(long, conflicts_with_all = ["to", "all", "lease", "with_descendants"])]
    pub undo: bool,
    /// Show what would be changed, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    /// How it is shown.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// The stream's name or ARN; that of the leases, if none is named anywhere
    /// [setting: kinesis.stream_name; STREAM_NAME].
    #[arg(long)]
    pub stream: Option<String>,
}

impl ResetArgs {
    /// The reset that is asked for.
    ///
    /// # Errors
    /// The position is none.
    pub(super) fn reset(&self) -> anyhow::Result<Reset> {
        let to = self.to.as_deref().unwrap_or_default();
        let Some(lease) = &self.lease else {
            let position: InitialPosition = start_at::parse(to).map_err(|expected| {
                anyhow!("--to {to:?}: {expected}. A sequence number is of one shard: --lease SHARD")
            })?;
            return Ok(Reset::All(position));
        };
        let place: Place = match (to.parse(), start_at::parse(to)) {
            (Ok(place), _) => place,
            (Err(_), Ok(position)) => position.into(),
            (Err(error), Err(_)) => return Err(anyhow!("--to: {error}")),
        };
        let one = Reset::one(lease, place);
        Ok(if self.with_descendants { one.and_descendants() } else { one })
    }
}

#[cfg(test)]
mod tests {
    use kcl_core::{
        env::WallTime,
        stream::{Position, SequenceNumber},
    };

    use super::*;

    fn args(to: &str, lease: Option<&str>) -> ResetArgs {
        ResetArgs {
            to: Some(to.to_owned()),
            lease: lease.map(str::to_owned),
            ..ResetArgs::default()
        }
    }

    #[test]
    fn all_shards_go_to_a_beginning_and_one_to_any_position() {
        let at = WallTime::from_millis(1_769_850_000_000);
        let time = "2026-01-31T09:00:00Z";
        let all = args(time, None).reset().unwrap();
        assert_eq!(all, Reset::All(InitialPosition::AtTimestamp(at)));
        let one = |to: &str| match args(to, Some("shardId-1")).reset().unwrap() {
            Reset::One { to, .. } => to,
            other => panic!("one is meant: {other:?}"),
        };
        assert_eq!(one(time), Place::At(at));
        assert_eq!(one("latest"), Place::Latest);
        let position = Position::new(SequenceNumber::from(4_959_u128), 3);
        assert_eq!(one("4959:3"), Place::After(position));
    }

    #[test]
    fn what_is_no_position_is_refused_with_what_is_one() {
        let sequence = "49590338271490256608559692538361571095921575989136588898";
        for (to, lease) in [("newest", None), (sequence, None), ("newest", Some("shardId-1"))] {
            let told = args(to, lease).reset().unwrap_err().to_string();
            assert!(told.contains("trim-horizon") && told.contains("sequence number"), "{told}");
        }
    }
}
