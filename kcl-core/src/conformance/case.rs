//! One case of the suite for lease stores.

use std::fmt;

use super::{bench::Bench, play::Play};

/// One test of the suite.
#[derive(Clone, Copy)]
pub struct Case {
    /// The requirement, as a sentence with underscores, such as `a_checkpoint_never_goes_back`.
    pub name: &'static str,
    /// Whether the case allows for failing calls and for writes that take effect late or twice.
    pub(super) tolerant: bool,
    pub(super) play: fn(Bench) -> Play,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
