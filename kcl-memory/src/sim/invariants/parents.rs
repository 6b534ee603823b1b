//! Parents: a worker reads a child shard only after all records of its parents.

#[cfg(feature = "simulation")]
use crate::sim::fact::Batch;
use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// The name of [`ParentsFirst`].
pub(in crate::sim) const NAME: &str = "children after parents";

/// No record of a child shard is dispatched before every record of its parents is processed, or
/// need not be.
///
/// Broken by a `Dispatched` fact with an `unread_parent`, or a `Batch` with an `unread` record of a
/// parent.
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
