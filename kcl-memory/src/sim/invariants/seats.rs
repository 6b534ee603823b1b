//! Seats: an ended lease takes no place at a worker.

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// At the end of a run no ended lease has an owner: it would count against the limits of that
/// worker for good.
///
/// Broken by a `Settled` fact with a row that has ended and has an owner.
#[derive(Debug)]
pub(super) struct EndedIsFree;

impl Invariant for EndedIsFree {
    fn name(&self) -> &'static str {
        "ended leases take no seat"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        let Fact::Settled(settled) = fact else { return Ok(()) };
        let held = settled.leases.values().find(|row| row.has_ended() && row.owner.is_some());
        held.map_or(Ok(()), |row| Err(format!("{} has ended and is held", row.key)))
    }
}
