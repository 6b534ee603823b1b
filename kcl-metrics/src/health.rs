//! Computes the answers of the probes: whether a worker is alive, and whether it is ready.
//!
//! Liveness does not depend on the store, the stream or the lag. If it did, a failure of the store
//! would make an orchestrator restart the whole fleet, and each restart moves leases.

use std::time::Duration;

use kcl_core::env::Time;

use crate::facts::Facts;

/// How late a turn of the keeper's loop may be before the worker counts as dead. A busy machine
/// does not delay it that long, and the session of the worker has ended before.
const GRACE: Duration = Duration::from_secs(30);

/// The answers of the probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// The keeper, the thread that keeps the session alive, does its work; also `true` before the
    /// worker has begun and after it has ended. `false` calls for a restart of the process.
    pub alive: bool,
    /// The store acknowledged a beat, and the worker does not shut down.
    pub ready: bool,
}

impl Health {
    /// The answers for the current state of a worker.
    pub(crate) fn of(facts: &Facts, now: Time) -> Self {
        let goes_on = facts.turn.is_none_or(|turn| now.since(turn.next) <= GRACE);
        let alive = facts.over || goes_on;
        Self { alive, ready: facts.acknowledged.is_some() && !facts.leaves }
    }
}
