//! Departures: a worker leaves in time when it is asked to, and never without a reason.

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// A worker that is asked to leave has ended when its grace period and some seconds are over.
///
/// Broken by an `AskedToLeave` fact of a worker that is still there.
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

/// A worker ends only when it is asked to leave, or when another worker uses its id.
///
/// Broken by a `WorkerEnded` fact with `unasked`: the result with which `Worker::run` returned.
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
