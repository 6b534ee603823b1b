//! Judges the history of a run. Pure.
//!
//! `delivery` judges the records: it passes each delivery to the judge of the simulator
//! (`kcl_memory::sim::Judge`), and counts the invariants that broke. `fleet` judges the leases: how
//! soon the fleet was in balance after each cue, and with how many moves.

mod delivery;
mod fleet;

pub(super) use delivery::Records;
pub(super) use fleet::EventReport;

use super::facts::History;

/// The judgement of a run.
#[derive(Clone, Debug)]
pub(super) struct Findings {
    /// The results of the records.
    pub(super) records: Records,
    /// For each cue of the script, how the fleet answered it; in the order of time.
    pub(super) events: Vec<EventReport>,
    /// One sentence for each problem; empty for a good run.
    pub(super) problems: Vec<String>,
}

/// Judges a run that has ended.
pub(super) fn judge(history: &History) -> Findings {
    let records = delivery::judge(history);
    let events = fleet::judge(history);
    let mut problems = records.problems();
    problems.extend(events.iter().flat_map(EventReport::problems));
    Findings { records, events, problems }
}

#[cfg(test)]
mod tests;
