//! Ends: children before the end of their parent.

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// When the end of a shard is written, each of its children has a row: whoever dies next leaves
/// nothing behind that nobody knows of. What was sent before the store lost the children's rows may
/// still land.
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
