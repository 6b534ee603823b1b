//! Which shards nobody reads, and why: followed down from the child to its parent, to the rule, to
//! the worker that is not there.

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
use crate::doctor::{
    finding::{Finding, Kind, Severity},
    remedy::Remedy,
    words::{aged, listed, some},
};

/// Why shards are not read. Shards of one cause are told together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    /// Its owner's beat stands still.
    Silent(WorkerId, Presence),
    /// Its owner's session is over.
    Over(WorkerId, Presence),
    /// A rule, by its number from 1, is for a worker alone, that is not there or full.
    Required { rule: usize, worker: WorkerId, full: bool },
    /// No rule covers it, and uncovered shards are held.
    HeldBack,
    /// Every worker is at its limit.
    Full,
    /// It has no row.
    NoRow,
    /// The plan gives it to this worker, which has not taken it.
    OnItsWay(WorkerId, Presence),
    /// Nobody plans.
    NoPlanner,
    /// The planner says why, and nothing else shows it.
    Told(String),
    /// Workers live, somebody plans, and no reason is seen.
    NotSeen,
}

/// Shards of one cause.
#[derive(Debug, Default)]
struct Group {
    shards: BTreeSet<ShardId>,
    /// Children that wait for one of them, each with its parent.
    waiting: BTreeMap<ShardId, ShardId>,
    oldest: Option<Duration>,
}

/// What is known of the plan that is in force.
struct Plan<'f> {
    /// To whom each lease is given.
    wishes: BTreeMap<&'f LeaseKey, &'f WorkerId>,
    /// Whether whoever made it is there.
    planner: Option<Presence>,
}

/// The findings about shards that nobody reads. Not for a fleet of which nobody lives: that is one
/// finding, and explains them all.
pub(super) fn judge(case: &Case<'_>) -> Vec<Finding> {
    if !case.fleet.is_known() || case.fleet.live().next().is_none() {
        return Vec::new();
    }
    let groups = groups(case);
    groups.into_iter().map(|(cause, group)| finding(case, &cause, &group)).collect()
}

/// The workers for which a rule keeps shards that are not read.
pub(super) fn required_absent(findings: &[Finding]) -> BTreeSet<String> {
    let unread = findings.iter().filter(|finding| finding.kind == Kind::ShardsUnread);
    unread.flat_map(|finding| finding.workers.clone()).collect()
}

fn groups(case: &Case<'_>) -> BTreeMap<Cause, Group> {
    let mut groups: BTreeMap<Cause, Group> = BTreeMap::new();
    let Some(lineage) = case.lineage else { return groups };
    let plan = Plan { wishes: wishes(case), planner: super::workers::planner(case) };
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
    // A child gets its row when its parent ends: most that wait are only listed.
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
        // What a planner would put; where reading began does not matter to whether rows are there.
        let missing = reconcile(lineage, FrozenStart::TrimHorizon).create;
        let missing: BTreeSet<ShardId> = missing.iter().filter_map(|row| row.key.shard()).collect();
        if !missing.is_empty() {
            groups.entry(Cause::NoRow).or_default().shards.extend(missing);
        }
    }
    groups
}

/// To whom the documents of the plan give each lease.
fn wishes<'f>(case: &Case<'f>) -> BTreeMap<&'f LeaseKey, &'f WorkerId> {
    let documents = case.facts.documents.get();
    let assignments = documents.into_iter().flat_map(|it| &it.assignments);
    let holds = assignments.flat_map(|(worker, assignment)| {
        assignment.holds.iter().map(move |hold| (&hold.key, worker))
    });
    holds.collect()
}

/// Why nobody reads a shard by itself: nothing if somebody does, if it waits for its parents, or if
/// nobody can tell.
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
            Reason::LimitReached => Cause::Full,
            Reason::HeldBack => Cause::HeldBack,
            _ => Cause::NotSeen,
        });
    }
    if plan.planner.is_some_and(Presence::is_missed) {
        return Some(Cause::NoPlanner);
    }
    let wish = plan.wishes.get(&lease.key).map(|worker| (*worker).clone());
    let on_its_way = wish.map(|worker| {
        let presence = case.fleet.of_worker(&worker);
        Cause::OnItsWay(worker, presence)
    });
    let told = case.reports().and_then(Reports::plan).and_then(|plan| plan.reason_of(&lease.key));
    let told = told.map(|reason| Cause::Told(reason.to_owned()));
    Some(told.or(on_its_way).unwrap_or(Cause::NotSeen))
}

/// The nearest ancestor that has not ended and that nobody reads.
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

fn worker_of(cause: &Cause) -> Option<&WorkerId> {
    match cause {
        Cause::Silent(worker, _)
        | Cause::Over(worker, _)
        | Cause::OnItsWay(worker, _)
        | Cause::Required { worker, .. } => Some(worker),
        _ => None,
    }
}

/// Where it comes from, the last of it last.
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

/// The rule of this number, counted from 1.
fn rule_of<'f>(case: &Case<'f>, rule: usize) -> Option<&'f Rule> {
    let rules = case.facts.documents.get()?.placement.as_ref()?;
    rules.rules().get(rule.checked_sub(1)?)
}

fn rule_text(case: &Case<'_>, rule: usize) -> String {
    rule_of(case, rule).map_or_else(|| "unknown".to_owned(), |rule| rule.target.to_string())
}

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
