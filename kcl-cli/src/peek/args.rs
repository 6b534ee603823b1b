//! The arguments of `kcl peek`.

use clap::Args;
use kcl_core::stream::StartAt;

use crate::{config::Config, start_at::place};

/// The arguments of `kcl peek`.
#[derive(Args, Clone, Debug)]
pub struct PeekArgs {
    /// The stream's name or ARN [setting: kinesis.stream_name; STREAM_NAME].
    #[arg(long)]
    pub stream: Option<String>,
    /// The shard.
    #[arg(long, value_name = "ID")]
    pub shard: String,
    /// The position to begin at: trim-horizon, latest (waits for new records), a time like
    /// 2026-01-31T09:00:00Z, seconds since 1970, or the sequence number of a record.
    #[arg(long, value_name = "POSITION", default_value = "trim-horizon", value_parser = place)]
    pub at: StartAt,
    /// The largest number of records to show.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub limit: usize,
    /// Write `data` as text where it is UTF-8, else base64 as `data_base64`.
    #[arg(long)]
    pub text: bool,
}

impl PeekArgs {
    /// The settings, overridden by the arguments.
    pub(crate) fn apply_to(&self, mut config: Config) -> Config {
        if self.stream.is_some() {
            config.kinesis.stream_name.clone_from(&self.stream);
        }
        config
    }
}
