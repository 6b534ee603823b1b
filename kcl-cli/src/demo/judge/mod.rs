//! The judge: what a run was worth, from what was really delivered. Pure.

mod delivery;
mod fleet;

pub(super) use delivery::Records;
pub(super) use fleet::EventReport;

use super::facts::History;

/// What the judge found.
#[derive(Clone, Debug)]
pub(super) struct Findings {
    /// About records.
    pub(super) records: Records,
    /// About the fleet, for each event.
    pub(super) events: Vec<EventReport>,
    /// What is wrong, in words; empty if nothing is.
    pub(super) problems: Vec<String>,
}

/// Judges a run that is over.
pub(super) fn judge(history: &History) -> Findings {
    let records = delivery::judge(history);
    let events = fleet::judge(history);
    let mut problems = records.problems();
    problems.extend(events.iter().flat_map(EventReport::problems));
    Findings { records, events, problems }
}

#[cfg(test)]
mod tests;
