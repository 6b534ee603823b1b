//! Skips: none.

use kcl_core::{
    lease::{Checkpoint, LeaseKey},
    stream::ShardId,
};

use super::{Done, Fact, Invariant};

/// No record is skipped: whatever a checkpoint covers has been processed, and no worker starts
/// after a record that has not.
#[derive(Debug)]
pub(super) struct NothingSkipped;

impl Invariant for NothingSkipped {
    fn name(&self) -> &'static str {
        "nothing is skipped"
    }

    fn check(&mut self, fact: &Fact<'_>, done: &Done) -> Result<(), String> {
        match fact {
            Fact::Lease { after: Some(after), .. } => {
                let Checkpoint::After(at) = &after.checkpoint else { return Ok(()) };
                let to = at.sequence.as_str().parse().unwrap_or(u64::MAX);
                check(shard_of(&after.key).as_ref(), to, done)
            }
            Fact::Dispatched(dispatch) => check(Some(dispatch.shard), dispatch.after, done),
            _ => Ok(()),
        }
    }
}

fn shard_of(key: &LeaseKey) -> Option<ShardId> {
    key.shard()
}

fn check(shard: Option<&ShardId>, to: u64, done: &Done) -> Result<(), String> {
    let Some(shard) = shard else { return Ok(()) };
    let done = done.get(shard).copied().unwrap_or(0);
    if to <= done {
        return Ok(());
    }
    Err(format!("{shard}: records {} to {to} were never processed", done + 1))
}
