//! Overlap: at most one worker dispatches records of a shard at a time.

use std::collections::BTreeMap;

use kcl_core::lease::Epoch;

#[cfg(feature = "simulation")]
use crate::sim::fact::Batch;
use crate::sim::{
    fact::Fact,
    invariant::{Excuse, Invariant},
    known::Known,
    stream::ShardNo,
};

/// No two workers have records of one shard in their processors at the same time, and a former
/// owner gives its processor no batch after its successor did.
///
/// Broken by a dispatch while another worker processes the shard (`overlaps`, `beside`), and by a
/// dispatch under a lower epoch than the newest one that dispatched. No longer checked after a
/// fault that makes an overlap possible (`Excuse::Overlap`), such as a process that stands still in
/// the midst of a batch.
#[derive(Debug, Default)]
pub(super) struct OneDispatcher {
    /// The highest epoch under which records of each shard were dispatched.
    newest: BTreeMap<ShardNo, Epoch>,
}

impl Invariant for OneDispatcher {
    fn name(&self) -> &'static str {
        "one dispatcher per shard"
    }

    fn until(&self) -> Option<Excuse> {
        Some(Excuse::Overlap)
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        #[cfg(feature = "simulation")]
        if let Fact::Batch(Batch { worker, shard, beside: Some(other), .. }) = fact {
            return Err(format!("{worker} and {other} process {shard} at once"));
        }
        let Fact::Dispatched(dispatch) = fact else { return Ok(()) };
        let (shard, worker) = (dispatch.name, dispatch.worker);
        if let Some(other) = &dispatch.overlaps {
            return Err(format!("{shard}: dispatched by {worker} while {other} processes it"));
        }
        let newest = self.newest.entry(dispatch.shard).or_insert(dispatch.epoch);
        *newest = dispatch.epoch.max(*newest);
        if dispatch.epoch < *newest {
            return Err(format!("{shard}: dispatched by {worker}, which another took it from"));
        }
        Ok(())
    }
}
