//! One case of the suite for stream sources.

use std::fmt;

use super::{bench::Bench, factory::Need};
use crate::conformance::play::Play;

/// One test of the suite.
#[derive(Clone, Copy)]
pub struct Case {
    /// The requirement, as a sentence with underscores, such as `an_open_shard_does_not_end`.
    pub name: &'static str,
    /// The ability of the server that the case needs; `None` if every server has it.
    pub needs: Option<Need>,
    pub(super) play: fn(Bench) -> Play,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
