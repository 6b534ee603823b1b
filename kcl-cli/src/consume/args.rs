//! The arguments of `kcl consume`.

use clap::Args;
use kcl_core::settings::InitialPosition;

use crate::{config::Config, member::MemberArgs, start_at};

/// The arguments of `kcl consume`.
#[derive(Args, Clone, Debug)]
pub struct ConsumeArgs {
    /// The stream's name or ARN; by an ARN it is read in the ARN's region, while leases stay in
    /// that of --region [setting: kinesis.stream_name; STREAM_NAME].
    #[arg(long)]
    pub stream: Option<String>,
    /// The consumer group: workers of one name share the stream
    /// [setting: consumer.application_name; APP_NAME].
    #[arg(long = "app", value_name = "NAME")]
    pub application: Option<String>,
    /// The position to begin at in a stream that the group has not read yet: trim-horizon, latest,
    /// a time like 2026-01-31T09:00:00Z, or seconds since 1970 (with 13 digits: milliseconds)
    /// [setting: coordination.initial_position; default trim-horizon].
    #[arg(long, value_name = "POSITION", value_parser = start_at::parse)]
    pub initial_position: Option<InitialPosition>,
    /// The arguments of every worker.
    #[command(flatten)]
    pub member: MemberArgs,
    /// Write `data` as text where it is UTF-8, else base64 as `data_base64`.
    #[arg(long)]
    pub text: bool,
}

impl ConsumeArgs {
    /// The settings, overridden by the arguments.
    pub(crate) fn apply_to(&self, config: Config) -> Config {
        let mut config = self.member.apply_to(config);
        if self.stream.is_some() {
            config.kinesis.stream_name.clone_from(&self.stream);
        }
        if self.application.is_some() {
            config.consumer.application_name.clone_from(&self.application);
        }
        if let Some(position) = self.initial_position {
            config.coordination.initial_position = position;
        }
        config
    }
}
