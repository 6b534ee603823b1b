//! From what a look saw to what is wrong: pure. What is not known is never taken for nothing.

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

/// What a look comes to.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Verdict {
    /// The worst first.
    pub(crate) findings: Vec<Finding>,
    /// What could not be judged.
    pub(crate) unknown: Vec<Unknown>,
    pub(crate) counts: Counts,
    /// What a planner would make of what was seen.
    #[serde(skip)]
    pub(crate) planned: Planned,
}

/// What there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    /// Workers whose beats move; nothing if the sessions are not known.
    pub(crate) workers: Option<usize>,
    /// Sessions that have not ended and whose beats were not seen to move.
    pub(crate) silent: Option<usize>,
    /// Leases that have not ended; nothing if the leases are not known.
    pub(crate) open: Option<usize>,
    /// Of these, those that a worker holds whose beat moves.
    pub(crate) read: Option<usize>,
    /// Leases that have ended.
    pub(crate) ended: Option<usize>,
}

/// Judges a look.
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

    /// 0 healthy, 1 findings, 2 could not tell.
    pub(crate) const fn exit_code(&self) -> u8 {
        match (self.findings.is_empty(), self.unknown.is_empty()) {
            (false, _) => 1,
            (true, false) => 2,
            (true, true) => 0,
        }
    }
}

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
