//! The arguments of `kcl demo`.

use super::producer;

/// Shows a fleet at work: shards split, workers join, one crashes, one leaves. Needs nothing but
/// this command, and takes less than a minute.
#[derive(Clone, Debug, clap::Args)]
pub struct DemoArgs {
    /// Which shards are split and which worker leaves is drawn from this number.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Records produced per second.
    #[arg(
        long, value_name = "RECORDS", default_value_t = 500,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(producer::MAX_RATE))
    )]
    pub rate: u32,
    /// Seconds of balance before the next thing happens.
    #[arg(
        long, value_name = "SECONDS", default_value_t = 5,
        value_parser = clap::value_parser!(u16).range(1..=600)
    )]
    pub calm: u16,
    /// Where leases are kept: memory:, postgres://…, redis://…, dynamodb://TABLE. They belong to an
    /// application of the demo's own, and are removed at its end [default: memory:].
    #[arg(long, value_name = "URL")]
    pub store: Option<String>,
    /// Plain lines instead of the moving picture, also on a terminal.
    #[arg(long)]
    pub plain: bool,
}
