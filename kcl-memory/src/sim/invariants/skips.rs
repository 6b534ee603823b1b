//! Skips: none.

use std::fmt::Display;

use kcl_core::{coordinator::StoreCall, lease::Checkpoint};

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// No record is skipped: whatever a checkpoint covers has been processed, and no worker starts
/// after a record that has not.
#[derive(Debug)]
pub(super) struct NothingSkipped;

impl Invariant for NothingSkipped {
    fn name(&self) -> &'static str {
        "nothing is skipped"
    }

    fn check(&mut self, fact: &Fact<'_>, known: &Known) -> Result<(), String> {
        match fact {
            Fact::Lease { call, after: Some(after), shard: Some(shard), .. } => {
                let Checkpoint::After(at) = &after.checkpoint else { return Ok(()) };
                let to = at.sequence.as_str().parse().unwrap_or(u64::MAX);
                // An undo returns to where reading was before it began anew.
                let returns = known.closed && matches!(call, StoreCall::Restart(_));
                let done = if returns { known.reached(*shard) } else { known.done(*shard) };
                check(&after.key, to, done)
            }
            Fact::Dispatched(dispatch) => {
                check(dispatch.name, dispatch.after, known.done(dispatch.shard))
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
