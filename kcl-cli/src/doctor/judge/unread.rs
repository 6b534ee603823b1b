//! Finds the shards that nobody reads, and follows each to its cause: from the child to its unread
//! parent, from there to the placement rule, and to the worker that is absent.
//!
//! 1. `cause` names the [`Cause`] of one lease. It asks in this order: the owner's presence, the
//!    plan of `Case`, whether a planner lives, the planner's report, the assignments.
//! 2. `groups` gathers the shards of each cause, so that one fault makes one finding. A shard that
//!    waits for an unread ancestor joins the ancestor's group.
//! 3. `finding` writes the text, `because` the chain of causes, and `remedies` the commands.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use kcl_core::{
    assignment::{Reason, placement::Rule},
    lease::{Lease, LeaseKey, WorkerId, report::Reports},
    lineage::{FrozenStart, reconcile},
    stream::ShardId,
};

use super::{case::Case, fleet::Presence};
use crate::{
    doctor::{
        finding::{Finding, Kind, Severity},
        remedy::Remedy,
        words::{aged, listed, some},
    },
    times::rfc3339,
};

/// Why shards are not read. Shards of equal causes share a finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    /// The owner's beat does not move.
    Silent(WorkerId, Presence),
    /// The owner's session has ended, or its row is gone. The presence is that of the session.
    Over(WorkerId, Presence),
    /// A `require` rule names this worker, which is absent or, with `full`, at its limit. `rule` is
    /// the rule's number, from 1.
    Required { rule: usize, worker: WorkerId, full: bool },
    /// A `require` rule names this worker, which the operator has drained.
    RequiredDrained { rule: usize, worker: WorkerId },
    /// The operator has paused the lease.
    Paused,
    /// The operator has drained every live worker.
    AllDrained,
    /// No rule covers the shard, and the rules say `uncovered: hold`.
    HeldBack,
    /// Every live worker is at its limit.
    Full,
    /// The stream lists the shard, and its lease should exist but does not.
    NoRow,
    /// The plan gives the lease to this worker, which has not taken it yet.
    OnItsWay(WorkerId, Presence),
    /// No planner lives.
    NoPlanner,
    /// The planner's report gives this reason, and the rows show no other.
    Told(String),
    /// Workers and a planner live, and neither rows nor documents show a reason.
    NotSeen,
}

/// Shards of one cause.
#[derive(Debug, Default)]
struct Group {
    shards: BTreeSet<ShardId>,
    /// Descendants that wait for the end of one of `shards`, each with that ancestor.
    waiting: BTreeMap<ShardId, ShardId>,
    /// The age of the oldest unread record among `shards`; `None` if unknown.
    oldest: Option<Duration>,
}

/// What the store shows of the plan in force.
struct Plan<'f> {
    /// The worker to which the assignments give each lease.
    wanted: BTreeMap<&'f LeaseKey, &'f WorkerId>,
    /// Whether the planner lives; `None` if the leases are unknown.
    planner: Option<Presence>,
}

/// The findings about shards that nobody reads. If no worker lives, there are none: the finding
/// `no-worker` explains all of them.
pub(super) fn judge(case: &Case<'_>) -> Vec<Finding> {
    if !case.fleet.is_known() || case.fleet.live().next().is_none() {
        return Vec::new();
    }
    let groups = groups(case);
    groups.into_iter().map(|(cause, group)| finding(case, &cause, &group)).collect()
}

/// The workers that findings of unread shards name. `rules` does not report them again.
pub(super) fn required_absent(findings: &[Finding]) -> BTreeSet<String> {
    let unread = findings.iter().filter(|finding| finding.kind == Kind::ShardsUnread);
    unread.flat_map(|finding| finding.workers.clone()).collect()
}

/// All unread shards, by cause.
fn groups(case: &Case<'_>) -> BTreeMap<Cause, Group> {
    let mut groups: BTreeMap<Cause, Group> = BTreeMap::new();
    let Some(lineage) = case.lineage else { return groups };
    let plan = Plan { wanted: wanted(case), planner: super::workers::planner(case) };
    let mut causes: BTreeMap<&ShardId, Cause> = BTreeMap::new();
    for (shard, lease) in case.open_leases() {
        if let Some(cause) = cause(case, shard, lease, &plan) {
            causes.insert(shard, cause);
        }
    }
    for (shard, cause) in &causes {
        let group = groups.entry(cause.clone()).or_default();
        group.shards.insert((*shard).clone());
        let key = lineage.lease(shard).map(|lease| &lease.key);
        group.oldest = group.oldest.max(key.and_then(|key| case.unread_for(key)));
    }
    // A child gets its row when its parent ends. So most children that wait have no lease yet.
    let listed = lineage.shards().map(|shard| &shard.id);
    let without_row = listed.filter(|shard| lineage.lease(shard).is_none());
    let blocked = case.open_leases().filter(|(_, it)| it.owner.is_none()).map(|(shard, _)| shard);
    for shard in without_row.chain(blocked).filter(|shard| !causes.contains_key(shard)) {
        if let Some((root, cause)) = unread_ancestor(case, shard, &causes) {
            let group = groups.entry(cause.clone()).or_default();
            group.waiting.insert(shard.clone(), root.clone());
        }
    }
    if case.facts.shards.get().is_some() {
        // The rows that a planner would make. The start does not matter here: it decides the
        // checkpoint of a new row, and not whether the row is made.
        let missing = reconcile(lineage, FrozenStart::TrimHorizon).create;
        let missing: BTreeSet<ShardId> = missing.iter().filter_map(|row| row.key.shard()).collect();
        if !missing.is_empty() {
            groups.entry(Cause::NoRow).or_default().shards.extend(missing);
        }
    }
    groups
}

/// The worker to which the assignment documents give each lease.
fn wanted<'f>(case: &Case<'f>) -> BTreeMap<&'f LeaseKey, &'f WorkerId> {
    let documents = case.facts.documents.get();
    let assignments = documents.into_iter().flat_map(|it| &it.assignments);
    let holds = assignments.flat_map(|(worker, assignment)| {
        assignment.holds.iter().map(move |hold| (&hold.key, worker))
    });
    holds.collect()
}

/// Why nobody reads this shard. `None` if its owner lives or may live, or if the shard waits for
/// its parents.
fn cause(case: &Case<'_>, shard: &ShardId, lease: &Lease, plan: &Plan<'_>) -> Option<Cause> {
    if let Some(owner) = &lease.owner {
        let presence = case.fleet.of_session(owner);
        return match presence {
            Presence::Silent(..) => Some(Cause::Silent(owner.worker.clone(), presence)),
            Presence::Over(_) | Presence::Absent => {
                Some(Cause::Over(owner.worker.clone(), presence))
            }
            _ => None,
        };
    }
    if !case.lineage.is_some_and(|lineage| lineage.is_runnable(lease)) {
        return None;
    }
    if let Some(reason) = case.planned.reasons.get(&lease.key) {
        let rule = case.planned.rules.get(shard).map_or(0, |rule| rule + 1);
        return Some(match reason {
            Reason::RequiredWorkerAbsent { worker } => {
                Cause::Required { rule, worker: worker.clone(), full: false }
            }
            Reason::RequiredWorkerFull { worker } => {
                Cause::Required { rule, worker: worker.clone(), full: true }
            }
            Reason::RequiredWorkerDrained { worker } => {
                Cause::RequiredDrained { rule, worker: worker.clone() }
            }
            Reason::Paused => Cause::Paused,
            Reason::AllDrained => Cause::AllDrained,
            Reason::LimitReached => Cause::Full,
            Reason::HeldBack => Cause::HeldBack,
            _ => Cause::NotSeen,
        });
    }
    if plan.planner.is_some_and(Presence::is_missed) {
        return Some(Cause::NoPlanner);
    }
    let worker = plan.wanted.get(&lease.key).map(|worker| (*worker).clone());
    let on_its_way = worker.map(|worker| {
        let presence = case.fleet.of_worker(&worker);
        Cause::OnItsWay(worker, presence)
    });
    let told = case.reports().and_then(Reports::plan).and_then(|plan| plan.reason_of(&lease.key));
    let told = told.map(|reason| Cause::Told(reason.to_owned()));
    Some(told.or(on_its_way).unwrap_or(Cause::NotSeen))
}

/// An unread ancestor of the shard, with its cause; `None` if all its ancestors are read or ended.
fn unread_ancestor<'c>(
    case: &Case<'_>,
    shard: &ShardId,
    causes: &'c BTreeMap<&ShardId, Cause>,
) -> Option<(ShardId, &'c Cause)> {
    let lineage = case.lineage?;
    let mut seen = BTreeSet::new();
    let mut next: Vec<&ShardId> = lineage.parents(shard).iter().collect();
    while let Some(parent) = next.pop() {
        if !seen.insert(parent) {
            continue;
        }
        if let Some(cause) = causes.get(parent) {
            return Some((parent.clone(), cause));
        }
        next.extend(lineage.parents(parent));
    }
    None
}

/// The finding of one cause.
fn finding(case: &Case<'_>, cause: &Cause, group: &Group) -> Finding {
    let shards = some(&group.shards);
    let count = group.shards.len();
    let (kind, severity) = match cause {
        Cause::Silent(_, presence) if presence.is_dead() => (Kind::WorkerSilent, Severity::Problem),
        Cause::Silent(..) => (Kind::WorkerSilent, Severity::Warning),
        Cause::Over(..) => (Kind::LeaseOrphaned, Severity::Problem),
        Cause::OnItsWay(_, presence) if presence.is_there() => {
            (Kind::ShardsUnread, Severity::Warning)
        }
        // The operator wants it so.
        Cause::Paused => (Kind::ShardsUnread, Severity::Warning),
        _ => (Kind::ShardsUnread, Severity::Problem),
    };
    let age = aged(group.oldest, case.retention());
    let says = match cause {
        Cause::Silent(worker, presence) => {
            format!(
                "worker {worker} {presence}; it holds {}: {shards}{age}",
                listed(count, "lease")
            )
        }
        Cause::Over(worker, presence) => format!(
            "{} belong to a life of worker {worker} that is over, and nobody has taken them: \
             {shards}{age} ({worker} {presence})",
            listed(count, "lease")
        ),
        _ => format!("nobody reads {}: {shards}{age}", listed(count, "shard")),
    };
    let mut remedies = remedies(case, cause, group).into_iter();
    let look = || case.shell.leases("see who reads what", "watch");
    let first = remedies.next().unwrap_or_else(look);
    let mut finding = Finding::new(severity, kind, says, first);
    finding.remedies.extend(remedies);
    let waiting = group.waiting.keys();
    finding = finding.of_shards(group.shards.iter().chain(waiting)).of_workers(worker_of(cause));
    if let Some((child, parent)) = group.waiting.first_key_value() {
        let more = match group.waiting.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more like it"),
        };
        finding = finding.since(format!("{child} waits for the end of its parent {parent}{more}"));
    }
    because(case, cause, group).into_iter().fold(finding, Finding::since)
}

/// The worker that the cause names.
fn worker_of(cause: &Cause) -> Option<&WorkerId> {
    match cause {
        Cause::Silent(worker, _)
        | Cause::Over(worker, _)
        | Cause::OnItsWay(worker, _)
        | Cause::Required { worker, .. }
        | Cause::RequiredDrained { worker, .. } => Some(worker),
        _ => None,
    }
}

/// The chain of causes; the root is last. Empty where the finding's own text names the worker.
fn because(case: &Case<'_>, cause: &Cause, group: &Group) -> Vec<String> {
    match cause {
        Cause::Required { rule, worker, full } => {
            let target = rule_text(case, *rule);
            let first = group.shards.first().map(ToString::to_string).unwrap_or_default();
            let why = if *full {
                format!("worker {worker} is at its limit")
            } else {
                format!("worker {worker} {}", case.fleet.of_worker(worker))
            };
            vec![
                format!(
                    "{first} may be read by worker {worker} alone: placement rule {rule} \
                     ({target}, require)"
                ),
                why,
            ]
        }
        Cause::RequiredDrained { rule, worker } => vec![
            format!(
                "placement rule {rule} ({}, require) is for worker {worker} alone",
                rule_text(case, *rule)
            ),
            format!("worker {worker} is drained{}", drained_by(case, worker)),
        ],
        Cause::Paused => group.shards.iter().take(3).map(|shard| paused_by(case, shard)).collect(),
        Cause::AllDrained => vec!["every worker that lives is drained".into()],
        Cause::HeldBack => {
            vec!["no placement rule covers them, and `uncovered: hold` holds such shards".into()]
        }
        Cause::Full => vec!["every worker that lives is at its limit".into()],
        Cause::NoRow => {
            vec!["the stream lists them, and they have no lease: a planner makes it".into()]
        }
        Cause::OnItsWay(worker, presence) => vec![
            format!("the plan gives them to worker {worker}, which has not taken them"),
            format!("worker {worker} {presence}"),
        ],
        Cause::Told(reason) => vec![format!("the planner says: {reason}")],
        Cause::NoPlanner => vec!["nobody plans: see nobody-plans".into()],
        Cause::NotSeen => vec![
            "workers live and one plans, but neither rows nor documents say why it is given to \
             nobody: it may be between two owners, or the workers' own limits may forbid it"
                .into(),
        ],
        Cause::Silent(..) | Cause::Over(..) => Vec::new(),
    }
}

/// Who drained the worker, and when, as the end of a sentence.
fn drained_by(case: &Case<'_>, worker: &WorkerId) -> String {
    let said = case.facts.documents.get().and_then(|it| it.marks.drained.get(worker));
    said.map_or_else(String::new, |said| format!(" since {} by {}", rfc3339(said.since), said.by))
}

/// A sentence that says who paused the shard, and when.
fn paused_by(case: &Case<'_>, shard: &ShardId) -> String {
    let lease = case.lineage.and_then(|lineage| lineage.lease(shard));
    let marks = case.facts.documents.get().map(|it| &it.marks);
    let said = lease.zip(marks).and_then(|(lease, marks)| marks.paused.get(&lease.key));
    said.map_or_else(
        || format!("{shard} is paused"),
        |said| format!("{shard} is paused since {} by {}", rfc3339(said.since), said.by),
    )
}

/// The placement rule of this number, from 1.
fn rule_of<'f>(case: &Case<'f>, rule: usize) -> Option<&'f Rule> {
    let rules = case.facts.documents.get()?.placement.as_ref()?;
    rules.rules().get(rule.checked_sub(1)?)
}

/// The target of the placement rule of this number, as text.
fn rule_text(case: &Case<'_>, rule: usize) -> String {
    rule_of(case, rule).map_or_else(|| "unknown".to_owned(), |rule| rule.target.to_string())
}

/// The commands that help against this cause, the best first.
fn remedies(case: &Case<'_>, cause: &Cause, group: &Group) -> Vec<Remedy> {
    let shell = case.shell;
    let first = group.shards.first().map(ShardId::as_str).unwrap_or_default();
    match cause {
        Cause::Silent(worker, presence) => {
            let start = shell.start("start it again, if it is gone", Some(worker.as_str()));
            let look = shell.doctor("see whether its silence outlasts its session", "--watch");
            if presence.is_dead() { vec![start, look] } else { vec![look, start] }
        }
        Cause::Required { rule, worker, full: false } => vec![
            shell.start("start the worker that the rule asks for", Some(worker.as_str())),
            rule_of(case, *rule).map_or_else(
                || shell.placement("see the rules", "show"),
                |rule| shell.unset(&rule.target),
            ),
        ],
        Cause::Required { full: true, .. } | Cause::HeldBack => {
            vec![shell.placement("see what the rules cover, and what they would move", "check")]
        }
        Cause::RequiredDrained { rule, worker } => vec![
            shell.workers("give the worker its share again", &format!("undrain {worker}")),
            rule_of(case, *rule).map_or_else(
                || shell.placement("see the rules", "show"),
                |rule| shell.unset(&rule.target),
            ),
        ],
        Cause::Paused => {
            vec![shell.leases("have it read on from its checkpoint", &format!("resume {first}"))]
        }
        Cause::AllDrained => vec![
            shell.workers("give the workers their share again", "undrain --all"),
            shell.start("add a worker", None),
        ],
        Cause::Full => vec![shell.start("add a worker, or raise the workers' limit", None)],
        Cause::Told(_) => vec![
            shell.placement("see the rules, and what they keep from being read", "check"),
            shell.start("add a worker, if they are at their limits", None),
        ],
        Cause::OnItsWay(..) => vec![shell.leases("see whether it takes them", "watch")],
        Cause::NoRow | Cause::NoPlanner => {
            vec![shell.leases("see whether a planner takes over", "watch")]
        }
        Cause::Over(..) => vec![shell.leases("see whether others take them", "watch")],
        Cause::NotSeen => vec![shell.doctor(
            &format!("look twice: a handover of {first} takes a second or two"),
            "--trend 5",
        )],
    }
}
