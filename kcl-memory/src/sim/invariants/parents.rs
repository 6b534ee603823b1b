//! Parents: all of their records before any of a child.

use super::{Done, Fact, Invariant};

/// Children come after all of their parents' records.
#[derive(Debug)]
pub(super) struct ParentsFirst;

impl Invariant for ParentsFirst {
    fn name(&self) -> &'static str {
        "children after parents"
    }

    fn check(&mut self, fact: &Fact<'_>, done: &Done) -> Result<(), String> {
        let Fact::Dispatched(dispatch) = fact else { return Ok(()) };
        for (parent, count) in &dispatch.parents {
            let done = done.get(parent).copied().unwrap_or(0);
            if done < *count {
                let shard = dispatch.shard;
                return Err(format!("{shard} is read, its parent {parent} only to {done}/{count}"));
            }
        }
        Ok(())
    }
}
