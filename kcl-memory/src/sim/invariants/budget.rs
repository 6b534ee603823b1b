//! Memory: no more is read than fits.

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// What a worker has read and not processed fits its byte budget, but for one record of each shard:
/// an answer holds at least one, also if that is more than there was room for.
#[derive(Debug)]
pub(super) struct BudgetKept;

impl Invariant for BudgetKept {
    fn name(&self) -> &'static str {
        "the byte budget is kept"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match *fact {
            Fact::Held { worker, bytes, shards, budget, largest } => {
                let most = budget + shards * largest;
                if bytes <= most {
                    return Ok(());
                }
                Err(format!("{worker} holds {bytes} bytes: at most {most} fit"))
            }
            _ => Ok(()),
        }
    }
}
