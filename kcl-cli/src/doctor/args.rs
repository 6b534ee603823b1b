//! The arguments of `kcl doctor`.

use std::time::Duration;

use clap::Args;

use crate::{application::ApplicationArgs, config::Config};

/// The arguments of `kcl doctor`.
#[derive(Args, Clone, Debug)]
pub struct DoctorArgs {
    /// Of which application.
    #[command(flatten)]
    pub of: ApplicationArgs,
    /// The stream's name or ARN [setting: kinesis.stream_name; STREAM_NAME; default: the one that
    /// the application reads].
    #[arg(long, value_name = "STREAM")]
    pub stream: Option<String>,
    /// One JSON object per look in place of text.
    #[arg(long)]
    pub json: bool,
    /// Look again and again, until told to stop. The exit code is that of the last look.
    #[arg(long, conflicts_with = "trend")]
    pub watch: bool,
    /// With --watch: seconds between two looks.
    #[arg(long, default_value_t = 5.0)]
    pub every: f64,
    /// Look twice, this many seconds apart, to see whether lag grows and who makes no progress.
    #[arg(long, value_name = "SECONDS")]
    pub trend: Option<f64>,
    /// Judge by the store alone: the stream is not asked, and what hangs on it not judged.
    #[arg(long)]
    pub no_stream: bool,
    /// From how many shards at most a record is read to see how far behind they are: those nobody
    /// reads first, then those with the oldest checkpoints. 0: none; rows alone then tell.
    #[arg(long, value_name = "SHARDS", default_value_t = 100)]
    pub lag_of: usize,
    /// The age of the oldest unread record, in seconds, from which on lag is a finding.
    #[arg(long, value_name = "SECONDS", default_value_t = 300.0)]
    pub max_lag: f64,
    /// Seconds that the store, and the stream, may take for one answer. What has not come by then
    /// is not known, and the rest is judged.
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
