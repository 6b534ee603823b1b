//! Seats: what has ended takes none.

use crate::sim::{fact::Fact, invariant::Invariant, known::Known};

/// An ended lease takes no seat: nobody owns it for good.
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
