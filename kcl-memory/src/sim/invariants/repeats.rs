//! Repeats: without a fault no record is delivered twice.

use crate::sim::{
    fact::Fact,
    invariant::{Excuse, Invariant},
    known::Known,
};

/// As long as no fault happens, no worker gets a record that was acknowledged before.
///
/// Broken by a `Batch` with acknowledged records. Not checked in runs that have a fault which makes
/// repeats legitimate, nor for processors that set their own checkpoints (`Excuse::Repeats`).
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
