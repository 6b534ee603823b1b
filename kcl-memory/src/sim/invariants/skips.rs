//! Skips: none.

use std::{collections::BTreeMap, fmt::Display};

use kcl_core::{
    coordinator::StoreCall,
    lease::{Checkpoint, Epoch},
};

use crate::sim::{fact::Fact, invariant::Invariant, known::Known, stream::ShardNo};

/// No record is skipped: whatever a checkpoint covers has been processed, and no worker starts
/// after a record that has not.
#[derive(Debug, Default)]
pub(super) struct NothingSkipped {
    /// Under which epoch the lease of a shard was last set back.
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
                // An undo returns to where reading was before it began anew.
                let returns = known.closed && matches!(call, StoreCall::Restart(_));
                let done = if returns { known.reached(*shard) } else { known.done(*shard) };
                check(&after.key, to, done)
            }
            Fact::Dispatched(dispatch) => {
                // A run that slept through the restart goes on where it was; nothing of it counts.
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

fn check(shard: impl Display, to: u64, done: u64) -> Result<(), String> {
    if to <= done {
        return Ok(());
    }
    Err(format!("{shard}: records {} to {to} were never processed", done + 1))
}
