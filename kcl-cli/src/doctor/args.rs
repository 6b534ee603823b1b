//! The arguments of `kcl doctor`.

use std::time::Duration;

use clap::Args;

use crate::{application::ApplicationArgs, config::Config};

/// The arguments of `kcl doctor`.
#[derive(Args, Clone, Debug)]
pub struct DoctorArgs {
    /// The application.
    #[command(flatten)]
    pub of: ApplicationArgs,
    /// The stream's name or ARN [setting: kinesis.stream_name; STREAM_NAME; default: the one that
    /// the application reads].
    #[arg(long, value_name = "STREAM")]
    pub stream: Option<String>,
    /// One JSON object for each examination in place of text.
    #[arg(long)]
    pub json: bool,
    /// Repeat the examination until it is stopped. The exit code is that of the last one.
    #[arg(long, conflicts_with = "trend")]
    pub watch: bool,
    /// With --watch: seconds between two examinations.
    #[arg(long, default_value_t = 5.0)]
    pub every: f64,
    /// Examine twice, this many seconds apart, to see whether lag grows and which shards make no
    /// progress.
    #[arg(long, value_name = "SECONDS")]
    pub trend: Option<f64>,
    /// Judge by the store alone: the stream is not read, and findings that need it are left out.
    #[arg(long)]
    pub no_stream: bool,
    /// The largest number of shards from which a record is read to see how far behind they are:
    /// shards without a reader first, then those with the oldest checkpoints. 0: lag is judged by
    /// the rows alone.
    #[arg(long, value_name = "SHARDS", default_value_t = 100)]
    pub lag_of: usize,
    /// The age of the oldest unread record, in seconds, from which on lag is a finding.
    #[arg(long, value_name = "SECONDS", default_value_t = 300.0)]
    pub max_lag: f64,
    /// Seconds that the store, and the stream, may take for one answer. An answer that has not come
    /// by then counts as unknown, and the rest is judged.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    pub deadline: f64,
}

impl DoctorArgs {
    /// The settings, overridden by the arguments.
    pub(crate) fn apply_to(&self, config: Config) -> Config {
        let mut config = self.of.apply_to(config);
        if self.stream.is_some() {
            config.kinesis.stream_name.clone_from(&self.stream);
        }
        config
    }

    /// Checks what clap cannot.
    ///
    /// # Errors
    /// A number of seconds that cannot work.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        seconds("--every", self.every, 1.0)?;
        seconds("--deadline", self.deadline, 0.1)?;
        seconds("--max-lag", self.max_lag, 0.0)?;
        self.trend.map_or(Ok(()), |trend| seconds("--trend", trend, 1.0))
    }

    pub(super) fn patience(&self) -> Duration {
        Duration::from_secs_f64(self.deadline)
    }
}

fn seconds(flag: &str, given: f64, least: f64) -> anyhow::Result<()> {
    const MOST: f64 = 604_800.0;
    anyhow::ensure!(
        (least..=MOST).contains(&given),
        "{flag} {given}: choose {least} to {MOST} seconds"
    );
    Ok(())
}
