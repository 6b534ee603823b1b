//! Deliveries: processors get every record that was put, and no other one.
//!
//! These invariants check what a test saw from outside, or what the ledger of a run of whole
//! workers wrote down. A simulated stream cannot deliver a record that nobody put, so `World` does
//! not need most of them.

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// Each delivered record was put into the stream.
///
/// Broken by a `Given` fact without a `record`: the test found no record that was put with this
/// content at this place.
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

/// Each record that was put is delivered before the run is over.
///
/// Broken by a `Left` fact of a record that no worker was given.
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

/// The name of [`EverythingProcessed`]; the ledger translates it into `Broken::Stuck`.
#[cfg(feature = "simulation")]
pub(in crate::sim) const PROCESSED: &str = "everything is processed";

/// Each record that was put is acknowledged before the run is over, or need not be.
///
/// Broken by a `Finished` fact of a record that is not `processed`; the message says how far the
/// record came.
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

/// The test put at least one record: a run without records satisfies all other invariants and shows
/// nothing.
///
/// Broken by an `Over` fact that counts no records.
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
