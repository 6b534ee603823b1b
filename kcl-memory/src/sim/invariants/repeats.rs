//! Repeats: none without a cause.

use crate::sim::{
    fact::Fact,
    invariant::{Excuse, Invariant},
    known::Known,
};

/// While nothing goes wrong, no record is delivered again that was acknowledged.
#[derive(Debug)]
pub(super) struct NoRepeatForNothing;

impl Invariant for NoRepeatForNothing {
    fn name(&self) -> &'static str {
        "nothing is repeated for nothing"
    }

    fn until(&self) -> Option<Excuse> {
        Some(Excuse::Repeats)
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match fact {
            Fact::Batch(batch) if batch.again => {
                let (worker, records) = (batch.worker, batch.records);
                Err(format!("{worker} is given {records} again, although nothing went wrong"))
            }
            _ => Ok(()),
        }
    }
}
