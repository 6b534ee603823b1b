//! Finds `require` rules whose worker is absent or silent: nobody else may read their shards.

use std::collections::{BTreeMap, BTreeSet};

use kcl_core::{
    assignment::placement::{Mode, Target},
    lease::WorkerId,
};

use super::case::Case;
use crate::doctor::{
    finding::{Finding, Kind, Severity},
    words::some,
};

/// One finding for each such worker. `told` are the workers that the findings of unread shards name
/// already: they are left out here.
pub(super) fn judge(case: &Case<'_>, told: &BTreeSet<String>) -> Vec<Finding> {
    let Some(rules) = case.facts.documents.get().and_then(|it| it.placement.as_ref()) else {
        return Vec::new();
    };
    let mut of_absent: BTreeMap<&WorkerId, Vec<&Target>> = BTreeMap::new();
    for rule in rules.rules().iter().filter(|rule| rule.mode == Mode::Require) {
        let presence = case.fleet.of_worker(&rule.worker);
        if presence.is_missed() && !told.contains(rule.worker.as_str()) {
            of_absent.entry(&rule.worker).or_default().push(&rule.target);
        }
    }
    let finding = |(worker, targets): (&WorkerId, Vec<&Target>)| {
        let says = format!(
            "worker {worker} {}, and rules require it for {}: nobody else reads these",
            case.fleet.of_worker(worker),
            some(&targets)
        );
        let start = case.shell.start("start it", Some(worker.as_str()));
        let finding = Finding::new(Severity::Warning, Kind::RuleOfAbsentWorker, says, start);
        let unset = targets.first().map(|target| case.shell.unset(target));
        unset.into_iter().fold(finding.of_workers([worker]), Finding::or)
    };
    of_absent.into_iter().map(finding).collect()
}
