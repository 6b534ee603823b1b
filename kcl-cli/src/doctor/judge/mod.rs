//! Derives findings from the facts of a reading: pure, without I/O.
//!
//! [`judge()`] makes a `Case` of the facts: the live workers (`fleet`), the stream's lineage, and
//! the plan that a planner would make. Then each module judges one topic:
//!
//! | module | its question |
//! |---|---|
//! | `rows` | do the rows make sense, by themselves and beside the stream's list? |
//! | `workers` | who is alive, who plans, and do the workers agree in their settings? |
//! | `unread` | which shards does nobody read, and why? |
//! | `rules` | which placement rules name an absent worker? |
//! | `lag` | how far behind are the leases, and do records expire? |
//! | `told` | what do the workers' reports complain of? |
//! | `share` | does a worker hold far more or less than its share? |
//! | `streams` | do all speak of one stream, and by one clock? |
//! | `unknown` | what could not be judged? |
//!
//! The rule of all: an unknown fact makes no finding. A judge that lacks a source returns nothing,
//! and `unknown` reports the source.

mod case;
mod fleet;
mod lag;
mod rows;
mod rules;
mod share;
mod streams;
#[cfg(test)]
pub(crate) mod tests;
mod told;
mod unknown;
mod unread;
mod workers;

use kcl_core::lineage::Lineage;
use serde::Serialize;

pub(crate) use self::{
    case::{Bounds, Planned, shards_of, stream_of},
    fleet::{Fleet, Presence},
};

use self::case::Case;
use super::{
    facts::{Facts, Progress},
    finding::{Finding, Unknown},
    remedy::Shell,
};

/// The result of a reading.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Verdict {
    /// Sorted by severity, then by kind: problems first.
    pub(crate) findings: Vec<Finding>,
    /// What could not be judged, and why.
    pub(crate) unknown: Vec<Unknown>,
    /// How many workers and leases there are.
    pub(crate) counts: Counts,
    /// The plan that a planner would make of these facts. The dashboard shows it.
    #[serde(skip)]
    pub(crate) planned: Planned,
}

/// How many workers and leases a reading saw. Each count is `None` if its source is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    /// Sessions whose beats move.
    pub(crate) workers: Option<usize>,
    /// Sessions that have not ended and whose beats were not seen to move.
    pub(crate) silent: Option<usize>,
    /// Leases of shards that have not ended.
    pub(crate) open: Option<usize>,
    /// Those open leases whose owner's beat moves.
    pub(crate) read: Option<usize>,
    /// Leases that have ended.
    pub(crate) ended: Option<usize>,
}

/// Judges the facts of the last reading. `progress` has what readings before it showed, `bounds`
/// the thresholds, and `shell` spells the remedies.
pub(crate) fn judge(facts: &Facts, progress: &Progress, bounds: Bounds, shell: &Shell) -> Verdict {
    let stream = stream_of(facts);
    let leases = facts.leases.get();
    let lineage = stream
        .as_ref()
        .zip(leases)
        .map(|(stream, leases)| Lineage::new(stream, shards_of(facts), &leases.rows));
    let fleet = Fleet::of(facts);
    let planned = Planned::default();
    let lineage = lineage.as_ref();
    let mut case = Case { facts, progress, bounds, shell, fleet, lineage, planned };
    case.planned = case.plan();
    let mut findings = rows::judge(&case);
    findings.extend(workers::judge(&case));
    findings.extend(unread::judge(&case));
    let told = unread::required_absent(&findings);
    findings.extend(rules::judge(&case, &told));
    findings.extend(lag::judge(&case));
    findings.extend(told::judge(&case));
    findings.extend(share::judge(&case));
    findings.extend(streams::judge(&case));
    findings.sort_by_key(|finding| (finding.severity, finding.kind));
    let (unknown, counts) = (unknown::of(&case), counts(&case));
    Verdict { findings, unknown, counts, planned: case.planned }
}

impl Verdict {
    /// `healthy`, `findings` or `unknown`.
    pub(crate) const fn word(&self) -> &'static str {
        match (self.findings.is_empty(), self.unknown.is_empty()) {
            (false, _) => "findings",
            (true, false) => "unknown",
            (true, true) => "healthy",
        }
    }

    /// The exit code of the command: 0 healthy; 1 findings; 2 no findings, but something is
    /// unknown.
    pub(crate) const fn exit_code(&self) -> u8 {
        match (self.findings.is_empty(), self.unknown.is_empty()) {
            (false, _) => 1,
            (true, false) => 2,
            (true, true) => 0,
        }
    }
}

/// Counts workers and leases. A count whose source is unknown is `None`.
fn counts(case: &Case<'_>) -> Counts {
    let workers = case.fleet.is_known().then(|| case.fleet.live().count());
    let leases = case.facts.leases.get();
    let shards = || leases.map(|it| it.rows.iter().filter(|lease| !lease.key.is_role()));
    let open = shards().map(|it| it.filter(|lease| !lease.has_ended()).count());
    let is_read = |lease: &&kcl_core::lease::Lease| {
        let owner = lease.owner.as_ref();
        !lease.has_ended() && owner.is_some_and(|it| case.fleet.of_session(it).is_there())
    };
    Counts {
        workers,
        silent: workers.map(|live| case.fleet.open().count() - live),
        open,
        read: workers.and_then(|_| shards()).map(|it| it.filter(is_read).count()),
        ended: shards().map(|it| it.filter(|lease| lease.has_ended()).count()),
    }
}
