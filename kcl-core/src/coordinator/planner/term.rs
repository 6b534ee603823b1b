//! Who plans, and in which term.

use crate::lease::{Epoch, SessionId};

/// A planner's term.
#[derive(Debug)]
pub(super) struct Term {
    pub(super) planner: SessionId,
    pub(super) number: Epoch,
}
