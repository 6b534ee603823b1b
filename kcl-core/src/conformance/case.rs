//! One case.

use std::fmt;

use super::{bench::Bench, play::Play};

/// One thing a store must show.
#[derive(Clone, Copy)]
pub struct Case {
    /// What it is, as a sentence with underscores.
    pub name: &'static str,
    /// Whether it allows for failing calls and for writes that land late or twice.
    pub(super) tolerant: bool,
    pub(super) play: fn(Bench) -> Play,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
