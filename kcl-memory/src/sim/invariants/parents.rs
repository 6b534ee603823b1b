//! Parents: all of their records before any of a child.

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// Children come after all of their parents' records.
#[derive(Debug)]
pub(super) struct ParentsFirst;

impl Invariant for ParentsFirst {
    fn name(&self) -> &'static str {
        "children after parents"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        let Fact::Dispatched(dispatch) = fact else { return Ok(()) };
        let shard = dispatch.name;
        match &dispatch.unread_parent {
            None => Ok(()),
            Some((parent, done, count)) => {
                Err(format!("{shard} is read, its parent {parent} only to {done}/{count}"))
            }
        }
    }
}
