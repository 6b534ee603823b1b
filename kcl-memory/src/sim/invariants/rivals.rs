//! Rivals: a worker gives way to another of its id, and not to itself.

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// A worker stops for another one of its id only if there is one.
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
