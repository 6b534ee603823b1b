//! Parents: all of their records before any of a child.

#[cfg(feature = "simulation")]
use crate::sim::fact::Batch;
use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// The name of [`ParentsFirst`].
pub(in crate::sim) const NAME: &str = "children after parents";

/// Children come after all of their parents' records.
#[derive(Debug)]
pub(super) struct ParentsFirst;

impl Invariant for ParentsFirst {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        #[cfg(feature = "simulation")]
        if let Fact::Batch(Batch { first, unread: Some(unread), .. }) = fact {
            return Err(format!("{first} is delivered before {unread} of its parent"));
        }
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
