//! Ends of shards: the leases of the children exist before the parent ends.

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// When the owner writes the end of a shard, each child that the stream lists has a lease row.
/// Otherwise a crash of the owner at that moment would leave children that no worker knows.
///
/// Broken by an `Ended` fact that names children without a row. It is not checked while calls may
/// arrive that were sent before the store lost the children's rows ([`Known::late_until`]).
#[derive(Debug)]
pub(super) struct ChildrenFirst;

impl Invariant for ChildrenFirst {
    fn name(&self) -> &'static str {
        "children are put before the end"
    }

    fn check(&mut self, fact: &Fact<'_>, known: &Known) -> Result<(), String> {
        match fact {
            Fact::Ended { row, without_row }
                if !without_row.is_empty() && known.now >= known.late_until =>
            {
                Err(format!("{} has ended, and {without_row:?} have no rows", row.key))
            }
            _ => Ok(()),
        }
    }
}
