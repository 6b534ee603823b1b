//! Readers: closed by whoever lives.

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// A worker that lives closes each reader before it drops it.
#[derive(Debug)]
pub(super) struct ReadersAreClosed;

impl Invariant for ReadersAreClosed {
    fn name(&self) -> &'static str {
        "readers are closed"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match fact {
            Fact::ReaderLeftOpen { worker, shard } => {
                Err(format!("{worker} dropped a reader of {shard} and did not close it"))
            }
            _ => Ok(()),
        }
    }
}
