//! How workers and leases are shown.

use clap::ValueEnum;

/// How workers and leases are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables to read.
    #[default]
    Table,
    /// One JSON object per look.
    Json,
}
