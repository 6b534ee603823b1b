//! The arguments of `kcl peek`.

use clap::Args;
use kcl_core::{settings::InitialPosition, stream::SequenceNumber};

use crate::{config::Config, start_at};

/// The arguments of `kcl peek`.
#[derive(Args, Clone, Debug)]
pub struct PeekArgs {
    /// The stream's name or ARN [setting: kinesis.stream_name; STREAM_NAME].
    #[arg(long)]
    pub stream: Option<String>,
    /// The shard.
    #[arg(long, value_name = "ID")]
    pub shard: String,
    /// Where to begin: trim-horizon, latest (what is to come, which is waited for), a time like
    /// 2026-01-31T09:00:00Z, seconds since 1970, or the sequence number of a record.
    #[arg(long, value_name = "POSITION", default_value = "trim-horizon", value_parser = at)]
    pub at: At,
    /// How many records to show at most.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub limit: usize,
    /// Write `data` as text where it is UTF-8, else base64 as `data_base64`.
    #[arg(long)]
    pub text: bool,
}

/// Where to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// At the end of a shard, or a time.
    Place(InitialPosition),
    /// At this record.
    Record(SequenceNumber),
}

/// From so many digits on, a number is a record's and no time.
const DIGITS_OF_RECORDS: usize = 20;

fn at(text: &str) -> Result<At, String> {
    let text = text.trim();
    let is_record =
        text.len() >= DIGITS_OF_RECORDS && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_record {
        return text.parse().map(At::Record).map_err(|error| format!("{error}"));
    }
    let place = start_at::parse(text);
    place.map(At::Place).map_err(|error| format!("{error}, or a record's sequence number"))
}

impl PeekArgs {
    /// The settings, with what the arguments say.
    pub(crate) fn apply_to(&self, mut config: Config) -> Config {
        if self.stream.is_some() {
            config.kinesis.stream_name.clone_from(&self.stream);
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use kcl_core::env::WallTime;

    use super::*;

    #[test]
    fn a_place_is_told_from_a_record_by_its_digits() {
        let record = "49590338271490256608559692538361571095921575989136588898";
        assert_eq!(at(record), Ok(At::Record(record.parse().unwrap())));
        let time = InitialPosition::AtTimestamp(WallTime::from_millis(1_769_850_000_000));
        assert_eq!(at("1769850000"), Ok(At::Place(time)));
        assert_eq!(at("LATEST"), Ok(At::Place(InitialPosition::Latest)));
        let refused = at("yesterday").unwrap_err();
        assert!(refused.contains("sequence number") && refused.contains("trim-horizon"));
    }
}
