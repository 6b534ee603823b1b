//! What is known of the placement rules in the store.

use kcl_core::{
    assignment::placement::{Marks, Mode, Placement},
    env::Time,
    lease::WorkerId,
    stream::ShardId,
};

/// The rules as they were last written.
#[derive(Debug, Default)]
pub(super) struct Rulebook {
    pub(super) rules: Vec<(ShardId, WorkerId, Mode)>,
    /// What the document said before it was garbled.
    pub(super) garbled: Option<Placement>,
    /// Whether the fleet is frozen.
    pub(super) frozen: bool,
    /// What is said of single workers and leases.
    pub(super) marks: Marks,
    /// When they were last written.
    pub(super) changed: Option<Time>,
    /// Nobody knows which rules are in force.
    pub(super) unknown: bool,
    /// The store has lost rules, or what shards inherit of them.
    pub(super) heirs_lost: bool,
}

impl Rulebook {
    /// Whether shards are shared out evenly.
    pub(super) fn is_even(&self) -> bool {
        self.rules.is_empty() && !self.unknown && !self.frozen && self.marks.are_none()
    }
}
