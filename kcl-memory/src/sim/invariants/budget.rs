//! The byte budget of a worker: it reads no more than it may keep in memory.

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// The records that a worker has read and not processed fit its byte budget, plus one record of the
/// largest size for each shard. The excess is allowed because an answer of the stream has at least
/// one record, however large, even if the budget has no bytes left for it.
///
/// Broken by a `Held` fact whose `bytes` exceed `budget + shards * largest`.
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
