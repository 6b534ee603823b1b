//! Sets of times, of which one is chosen by name.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A set of times for the whole fleet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Failover in about 6 s.
    #[default]
    Default,
    /// Failover in about 3 s.
    Fast,
}
