//! Judges placement rules: which shards follow each rule, which leases would move, and what is
//! wrong. Pure: the input is a [`Picture`], and the planner's own functions resolve the rules and
//! make the plan.

use std::collections::BTreeMap;

use kcl_core::{
    assignment::placement::{Mode, PlacementRules, Rule, Target, Uncovered},
    lease::{Document, Lease, WorkerId},
    stream::ShardId,
};
use serde::Serialize;

use super::names;
use crate::{
    outlook::{Move, Outlook, Unread},
    picture::Picture,
};

/// The verdict on a set of rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Verdict {
    /// Each rule, in the order of the document.
    pub(super) rules: Vec<Followed>,
    /// The leases that would move, or get an owner.
    pub(super) moves: Vec<Move>,
    /// The leases that no worker would read.
    pub(super) unread: Vec<Unread>,
    /// Everything that is wrong; empty if nothing is.
    pub(super) findings: Vec<Finding>,
    /// What could not be judged, and why; empty if everything was.
    pub(super) unknown: Vec<String>,
}

/// A rule, and the open shards that follow it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Followed {
    /// The stream that the rule is limited to; `None` if it counts for any stream.
    pub(super) stream: Option<String>,
    /// `shard ID` or `range START-END`.
    pub(super) target: String,
    pub(super) worker: String,
    /// `require` or `prefer`.
    pub(super) mode: &'static str,
    /// Whether the worker lives: its beat moved during the reading.
    pub(super) alive: bool,
    /// The open shards that follow the rule, descendants of the named one included.
    pub(super) shards: Vec<String>,
}

/// A problem of the rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// The kind, for `--json`: `unknown-shard`, `closed-shard`, `worker-not-alive`, `above-limit`,
    /// `random-name`, `unread`, `retention`, `unreadable-rules`.
    pub(super) kind: &'static str,
    /// The problem, in a sentence.
    pub(super) what: String,
    /// What the user can do: commands, or a sentence.
    pub(super) remedy: String,
}

impl Verdict {
    /// Judges `rules`. `document` is the document that contains them, with the marks; it is put in
    /// place of the stored one.
    pub(super) fn of(picture: &Picture, rules: &PlacementRules, document: &Document) -> Self {
        let Outlook { moves, unread, .. } = Outlook::of(picture, document);
        let mut verdict = Self { moves, unread, ..Self::default() };
        let follows = follows(picture, rules);
        verdict.rules = rules
            .rules()
            .iter()
            .enumerate()
            .map(|(number, rule)| followed(picture, rule, follows.get(&number)))
            .collect();
        verdict.judge(picture, rules, &follows);
        verdict
    }

    /// Collects the findings, and everything that cannot be judged.
    fn judge(
        &mut self,
        picture: &Picture,
        rules: &PlacementRules,
        follows: &BTreeMap<usize, Vec<ShardId>>,
    ) {
        match (&picture.stream, &picture.listed) {
            (None, _) => self.unknown.push(
                "no worker has read a stream yet, and none is named: shards cannot be judged"
                    .to_owned(),
            ),
            (_, Err(why)) => self.unknown.push(format!(
                "the stream could not be listed, so that shards are judged by leases alone: {why}"
            )),
            _ => {}
        }
        self.findings.extend(targets(picture, rules, follows));
        self.findings.extend(absentees(picture, rules));
        self.findings.extend(overfull(picture, rules, follows));
        self.findings.extend(made_up(picture, rules));
        self.findings.extend(self.unread.iter().flat_map(left_unread));
    }
}

/// The open shards that follow each rule, by the number of the rule. Rules without shards are
/// absent.
fn follows(picture: &Picture, rules: &PlacementRules) -> BTreeMap<usize, Vec<ShardId>> {
    let of = picture.resolved(rules, |lineage, resolver| {
        let mut follows: BTreeMap<usize, Vec<ShardId>> = BTreeMap::new();
        let listed = lineage.shards().filter(|shard| !shard.closed).map(|shard| &shard.id);
        let held = lineage.leases().map(|(shard, _)| shard);
        let mut open: Vec<&ShardId> = listed.chain(held).collect();
        open.sort_unstable();
        open.dedup();
        open.retain(|shard| !lineage.lease(shard).is_some_and(Lease::has_ended));
        for shard in open {
            if let Some(resolved) = resolver.resolve(shard) {
                follows.entry(resolved.rule).or_default().push(shard.clone());
            }
        }
        follows
    });
    of.unwrap_or_default()
}

/// A rule with the shards that follow it.
fn followed(picture: &Picture, rule: &Rule, shards: Option<&Vec<ShardId>>) -> Followed {
    Followed {
        stream: rule.stream.as_deref().map(str::to_owned),
        target: rule.target.to_string(),
        worker: rule.worker.to_string(),
        mode: mode(rule),
        alive: picture.is_alive(&rule.worker),
        shards: shards.into_iter().flatten().map(ToString::to_string).collect(),
    }
}

/// `require` or `prefer`.
fn mode(rule: &Rule) -> &'static str {
    if rule.mode == Mode::Require { "require" } else { "prefer" }
}

/// Finds rules that no open shard follows: their shard is unknown, or has ended without open
/// descendants. If the stream could not be listed, no shard counts as unknown.
fn targets(
    picture: &Picture,
    rules: &PlacementRules,
    follows: &BTreeMap<usize, Vec<ShardId>>,
) -> Vec<Finding> {
    let found = picture.resolved(rules, |lineage, _| {
        let numbered = rules.rules().iter().enumerate();
        let unfollowed = numbered.filter(|(number, _)| !follows.contains_key(number));
        let of = unfollowed.filter_map(|(_, rule)| {
            let Target::Shard(shard) = &rule.target else { return None };
            let is_mine = rule.stream.as_ref().is_none_or(|name| *name == lineage.stream().name);
            let is_known = lineage.shard(shard).is_some() || lineage.lease(shard).is_some();
            match (is_mine, is_known) {
                (false, _) => None,
                (true, true) => Some(Finding {
                    kind: "closed-shard",
                    what: format!("{shard} has ended, and no open shard comes from it"),
                    remedy: format!("kcl placement unset {shard}"),
                }),
                (true, false) if picture.listed.is_err() => None,
                (true, false) => Some(Finding {
                    kind: "unknown-shard",
                    what: format!("the stream has no shard {shard}, and none that comes from it"),
                    remedy: format!("kcl placement unset {shard}; kcl stream describe lists them"),
                }),
            }
        });
        of.collect()
    });
    found.unwrap_or_default()
}

/// Finds workers that rules name and that do not live.
fn absentees(picture: &Picture, rules: &PlacementRules) -> Vec<Finding> {
    let mut by_worker: BTreeMap<&WorkerId, (usize, usize)> = BTreeMap::new();
    for rule in rules.rules().iter().filter(|rule| !picture.is_alive(&rule.worker)) {
        let (required, preferred) = by_worker.entry(&rule.worker).or_default();
        *if rule.mode == Mode::Require { required } else { preferred } += 1;
    }
    let finding = |(worker, (required, preferred)): (&WorkerId, (usize, usize))| Finding {
        kind: "worker-not-alive",
        what: format!(
            "{worker} is not seen to beat, and {required} rules require and {preferred} prefer it: \
             what is required there is read by nobody, the rest by others"
        ),
        remedy: format!("start {worker}, or name another worker: kcl placement set …"),
    };
    by_worker.into_iter().map(finding).collect()
}

/// Finds workers to which rules give more shards than their limit.
fn overfull(
    picture: &Picture,
    rules: &PlacementRules,
    follows: &BTreeMap<usize, Vec<ShardId>>,
) -> Vec<Finding> {
    let mut mapped: BTreeMap<&WorkerId, usize> = BTreeMap::new();
    for (number, shards) in follows {
        if let Some(rule) = rules.rules().get(*number) {
            *mapped.entry(&rule.worker).or_default() += shards.len();
        }
    }
    let open = picture.rows.iter().filter(|row| !row.key.is_role() && !row.has_ended()).count();
    let workers = picture.living.len();
    let finding = |(worker, mapped): (&WorkerId, usize)| {
        let session = picture.living.iter().find(|session| session.id.worker == *worker);
        let own = session.map(|session| session.capacity).filter(|most| *most > 0);
        // Limits depend on the number of leases. A new application has none yet: then the mapped
        // shards count as leases.
        let limit = picture.settings.limits.per_worker(open.max(mapped), workers, own);
        (mapped > limit).then(|| Finding {
            kind: "above-limit",
            what: format!("rules give {worker} {mapped} shards, and it takes {limit} at most"),
            remedy: "raise its max_leases or the limits, or map fewer shards to it".to_owned(),
        })
    };
    mapped.into_iter().filter_map(finding).collect()
}

/// Finds workers, of the rules or alive, whose ids change at each start.
fn made_up(picture: &Picture, rules: &PlacementRules) -> Vec<Finding> {
    if rules.rules().is_empty() {
        return Vec::new();
    }
    let living = picture.living.iter().map(|session| &session.id.worker);
    let mut random: Vec<&WorkerId> = rules.rules().iter().map(|rule| &rule.worker).collect();
    random.extend(living);
    random.retain(|worker| names::is_made_up(worker.as_str()));
    random.sort_unstable();
    random.dedup();
    let finding = |worker: &WorkerId| Finding {
        kind: "random-name",
        what: format!(
            "{worker} looks like a name that is made up at each start: no rule can name a worker \
             that is called something else next time"
        ),
        remedy: "give workers names that stay: a StatefulSet with POD_NAME, or --worker-id"
            .to_owned(),
    };
    random.into_iter().map(finding).collect()
}

/// The findings about a lease that no worker would read: that it is unread, and, from half of the
/// stream's retention on, that its records are about to be lost.
fn left_unread(unread: &Unread) -> Vec<Finding> {
    let Unread { shard, reason, since_ms, retention_ms } = unread;
    let mut findings = vec![Finding {
        kind: "unread",
        what: format!("nobody reads {shard}: {reason}"),
        remedy: "start the worker, or change the rule: kcl placement set …".to_owned(),
    }];
    let (Some(since), Some(retention)) = (since_ms, retention_ms) else { return findings };
    if since * 2 >= *retention {
        findings.push(Finding {
            kind: "retention",
            what: format!(
                "{shard} was last read up to a record that arrived {} h ago, and the stream keeps \
                 records for {} h: older ones are lost",
                since / 3_600_000,
                retention / 3_600_000
            ),
            remedy: format!("let somebody read it now: kcl placement unset {shard}"),
        });
    }
    findings
}

/// How shards that no rule covers are treated: `hold` or `balance`.
pub(super) const fn others(rules: &PlacementRules) -> &'static str {
    match rules.uncovered() {
        Uncovered::Hold => "hold",
        _ => "balance",
    }
}
