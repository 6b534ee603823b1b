//! Duplicate worker ids: a worker stops for another worker with its id only if there is one.

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// A worker stops because of a duplicate id only if another process with that id was started in
/// this run. It must not mistake its own former writes for another worker.
///
/// Broken by a `GaveWay` fact without `rivals`.
#[derive(Debug)]
pub(super) struct NobodyGivesWayToNobody;

impl Invariant for NobodyGivesWayToNobody {
    fn name(&self) -> &'static str {
        "nobody gives way to nobody"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match fact {
            Fact::GaveWay { worker, rivals: false } => {
                Err(format!("{worker} stopped for another worker of its id: there is none"))
            }
            _ => Ok(()),
        }
    }
}
