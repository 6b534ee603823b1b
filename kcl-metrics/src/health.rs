//! Whether a worker is alive, and whether it takes part in its fleet.
//!
//! To be alive depends neither on the store nor on the stream nor on lag: whoever restarts a worker
//! because of these restarts a whole fleet, and each restart moves leases.

use std::time::Duration;

use kcl_core::env::Time;

use crate::facts::Facts;

/// How much later than it said the keeper may come round. Enough for a machine that is busy; after
/// less than that, its session is over anyway.
const GRACE: Duration = Duration::from_secs(30);

/// Whether a worker is alive, and whether it takes part in its fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// The thread goes on that keeps its session alive; or it has not begun, or is over.
    pub alive: bool,
    /// A beat of it was acknowledged, and it was not told to leave.
    pub ready: bool,
}

impl Health {
    pub(crate) fn of(facts: &Facts, now: Time) -> Self {
        let goes_on = facts.turn.is_none_or(|turn| now.since(turn.next) <= GRACE);
        let alive = facts.over || goes_on;
        Self { alive, ready: facts.acknowledged.is_some() && !facts.leaves }
    }
}
