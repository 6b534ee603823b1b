//! Losses: a worker reports a record as lost only if the stream has deleted it.

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// A worker reports only records as lost that the stream has dropped.
///
/// Broken by a `LossReported` fact that names a record that the stream still `kept`.
#[derive(Debug)]
pub(super) struct LossesAreTrue;

impl Invariant for LossesAreTrue {
    fn name(&self) -> &'static str {
        "losses are true"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match fact {
            Fact::LossReported { worker, kept: Some(record) } => {
                Err(format!("{worker} reports {record} as lost: it is there"))
            }
            _ => Ok(()),
        }
    }
}
