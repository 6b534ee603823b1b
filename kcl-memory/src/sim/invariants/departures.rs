//! Departures: of whoever is asked to leave, and of nobody else.

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// A worker that is asked to leave is gone in time.
#[derive(Debug)]
pub(super) struct WhoIsAskedLeaves;

impl Invariant for WhoIsAskedLeaves {
    fn name(&self) -> &'static str {
        "who is asked to leave leaves"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match fact {
            Fact::AskedToLeave { worker, ago, stays: true } => {
                Err(format!("{worker} was asked to leave and is still there {ago:?} later"))
            }
            _ => Ok(()),
        }
    }
}

/// A worker ends only when it is asked to leave, or when another one uses its id.
#[derive(Debug)]
pub(super) struct NobodyStopsByItself;

impl Invariant for NobodyStopsByItself {
    fn name(&self) -> &'static str {
        "nobody stops by itself"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match fact {
            Fact::WorkerEnded { worker, unasked: Some(how) } => {
                Err(format!("{worker} stops by itself: {how}"))
            }
            _ => Ok(()),
        }
    }
}
