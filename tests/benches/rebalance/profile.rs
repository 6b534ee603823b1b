//! The settings that are compared.

use anyhow::{Context, Result};
use kcl_tests::fleet::Launch;

/// A column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Profile {
    Default,
    Fast,
    /// A session of ten seconds, and times to match: for a cheaper store bill.
    TenSeconds,
}

impl Profile {
    pub(crate) const ALL: [Self; 3] = [Self::Default, Self::Fast, Self::TenSeconds];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Fast => "fast",
            Self::TenSeconds => "t10",
        }
    }

    pub(crate) fn named(name: &str) -> Result<Self> {
        let profile = Self::ALL.into_iter().find(|profile| profile.name() == name);
        profile.with_context(|| format!("{name}: expected default, fast or t10"))
    }

    pub(crate) fn apply_to(self, launch: Launch) -> Launch {
        match self {
            Self::Default => launch,
            Self::Fast => launch.with(&["--profile", "fast"]),
            Self::TenSeconds => launch
                .set("coordination.session_timeout=10s")
                .set("coordination.heartbeat_interval=2500ms")
                .set("coordination.watch_interval=3s"),
        }
    }
}
