//! Deliveries: of everything that was put, and of nothing else.

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// Nothing is delivered that nobody put, nor anything else than was put there.
#[derive(Debug)]
pub(super) struct OnlyWhatWasPut;

impl Invariant for OnlyWhatWasPut {
    fn name(&self) -> &'static str {
        "only what was put is delivered"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        let Fact::Given(given) = fact else { return Ok(()) };
        if given.record.is_some() {
            return Ok(());
        }
        let (shard, place, worker) = (given.name, given.place, given.worker);
        Err(format!("{shard}: nobody put record {place} as {worker} was given it"))
    }
}

/// Everything that was put is delivered before the run is over.
#[derive(Debug)]
pub(super) struct Everything;

impl Invariant for Everything {
    fn name(&self) -> &'static str {
        "everything is delivered"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match fact {
            Fact::Left { record, key, given: false } => {
                Err(format!("record {record} ({key}) was never delivered"))
            }
            _ => Ok(()),
        }
    }
}

/// The name of [`EverythingProcessed`].
#[cfg(feature = "simulation")]
pub(in crate::sim) const PROCESSED: &str = "everything is processed";

/// Everything that was put is processed before the run is over.
#[cfg(feature = "simulation")]
#[derive(Debug)]
pub(super) struct EverythingProcessed;

#[cfg(feature = "simulation")]
impl Invariant for EverythingProcessed {
    fn name(&self) -> &'static str {
        PROCESSED
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        let Fact::Finished(finished) = fact else { return Ok(()) };
        let why = match (finished.in_effect, finished.delivered) {
            _ if finished.processed => return Ok(()),
            (true, _) => "was written, but never acknowledged",
            (false, true) => "was delivered, but neither written nor acknowledged",
            (false, false) => "was never delivered",
        };
        Err(format!("{} {why}", finished.record))
    }
}

/// A run without records proves nothing.
#[derive(Debug)]
pub(super) struct SomethingProved;

impl Invariant for SomethingProved {
    fn name(&self) -> &'static str {
        "a run proves something"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match fact {
            Fact::Over { put: 0 } => Err("nothing was put into the stream".to_owned()),
            _ => Ok(()),
        }
    }
}
