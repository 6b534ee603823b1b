//! Coverage: no hash key that nobody reads or will read.

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// A lease ends only when the shards that continue it have leases, and goes only when the stream
/// has forgotten its shard, too: at every step each open shard has a lease, or comes from one.
#[derive(Debug)]
pub(super) struct NoHole;

impl Invariant for NoHole {
    fn name(&self) -> &'static str {
        "no hole"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match fact {
            Fact::Lease { uncovered: Some(what), .. } => Err(what.clone()),
            _ => Ok(()),
        }
    }
}
