//! Skips: no worker and no checkpoint passes over a record that was not processed.

use std::{collections::BTreeMap, fmt::Display};

use kcl_core::{
    coordinator::StoreCall,
    lease::{Checkpoint, Epoch},
};

use crate::sim::{fact::Fact, invariant::Invariant, known::Known, stream::ShardNo};

/// No record is skipped: each record that a checkpoint covers was processed or need not be, and no
/// worker begins a batch behind a record that was not.
///
/// Broken by a `Lease` or `Dispatched` fact that points behind more records than [`Known`] has as
/// done; for whole workers, by a `Covered` fact that names an unprocessed record.
#[derive(Debug, Default)]
pub(super) struct NothingSkipped {
    /// The epoch under which the lease of each shard was last set back by a reset.
    restarted: BTreeMap<ShardNo, Epoch>,
}

impl Invariant for NothingSkipped {
    fn name(&self) -> &'static str {
        "nothing is skipped"
    }

    fn check(&mut self, fact: &Fact<'_>, known: &Known) -> Result<(), String> {
        match fact {
            Fact::Lease { call, after: Some(after), shard: Some(shard), .. } => {
                if let StoreCall::Restart(_) = call {
                    self.restarted.insert(*shard, after.epoch);
                }
                let Checkpoint::After(at) = &after.checkpoint else { return Ok(()) };
                let to = at.sequence.as_str().parse().unwrap_or(u64::MAX);
                // The undo of a reset returns to where reading was before the reset.
                let returns = known.closed && matches!(call, StoreCall::Restart(_));
                let done = if returns { known.reached(*shard) } else { known.done(*shard) };
                check(&after.key, to, done)
            }
            Fact::Dispatched(dispatch) => {
                // A run that has not yet seen the restart goes on from its old place. Its
                // checkpoints are refused.
                let restarted = self.restarted.get(&dispatch.shard);
                let is_former = restarted.is_some_and(|epoch| dispatch.epoch < *epoch);
                let shard = dispatch.shard;
                let done = if is_former { known.reached(shard) } else { known.done(shard) };
                check(dispatch.name, dispatch.after, done)
            }
            #[cfg(feature = "simulation")]
            Fact::Covered { unprocessed: Some(record) } => {
                Err(format!("{record} is checkpointed, but was not processed"))
            }
            _ => Ok(()),
        }
    }
}

/// The error if `to` is behind more than the first `done` records of a shard.
fn check(shard: impl Display, to: u64, done: u64) -> Result<(), String> {
    if to <= done {
        return Ok(());
    }
    Err(format!("{shard}: records {} to {to} were never processed", done + 1))
}
