//! One case.

use std::fmt;

use super::{bench::Bench, factory::Need};
use crate::conformance::play::Play;

/// One thing a source must show.
#[derive(Clone, Copy)]
pub struct Case {
    /// What it is, as a sentence with underscores.
    pub name: &'static str,
    /// What it needs beyond what every server can do.
    pub needs: Option<Need>,
    pub(super) play: fn(Bench) -> Play,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
