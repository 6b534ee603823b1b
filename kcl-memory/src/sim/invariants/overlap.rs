//! Overlap: one dispatcher of a shard at a time.

use super::{Excuse, Fact, Invariant, Known};

/// No two workers have records of one shard in their processors at once.
#[derive(Debug)]
pub(super) struct OneDispatcher;

impl Invariant for OneDispatcher {
    fn name(&self) -> &'static str {
        "one dispatcher per shard"
    }

    fn until(&self) -> Option<Excuse> {
        Some(Excuse::Overlap)
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        let Fact::Dispatched(dispatch) = fact else { return Ok(()) };
        match &dispatch.overlaps {
            Some(other) => {
                let (shard, worker) = (dispatch.name, dispatch.worker);
                Err(format!("{shard}: dispatched by {worker} while {other} processes it"))
            }
            None => Ok(()),
        }
    }
}
