//! Coverage: the leases cover every hash key that the stream has open.

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// A lease ends only after the child shards have leases, and a lease row is deleted only after the
/// stream has stopped listing its shard. So at every step each open shard has a lease, or has an
/// ancestor whose lease will lead to it.
///
/// Broken by a `Lease` fact with `uncovered`: the world names the shard that no worker would ever
/// read.
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
