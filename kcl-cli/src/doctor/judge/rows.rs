//! Finds faults in the rows: no rows at all, rows that cannot be decoded, an application that is
//! closed, and leases that the stream's list of shards contradicts.

use kcl_core::{
    change::Change,
    lease::Changing,
    lineage::{FrozenStart, Problem, reconcile},
    stream::ShardId,
};

use super::case::{Case, shards_of};
use crate::{
    doctor::{
        finding::{Finding, Kind, Severity},
        holes::holes,
        words::{listed, some},
    },
    times::rfc3339,
};

/// All findings of this topic.
pub(super) fn judge(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(nothing(case));
    findings.extend(closed(case));
    findings.extend(unreadable(case));
    findings.extend(beside_the_list(case));
    findings.extend(hole(case));
    findings
}

/// The store has no row of this application. Most often a name is wrong.
fn nothing(case: &Case<'_>) -> Option<Finding> {
    let facts = case.facts;
    let (sessions, leases) = (facts.sessions.get()?, facts.leases.get()?);
    let documents = facts.documents.get()?;
    let is_empty = sessions.rows.is_empty()
        && sessions.unreadable.is_empty()
        && leases.rows.is_empty()
        && leases.unreadable.is_empty()
        && documents.streams.is_none();
    let says = format!(
        "nothing of the application {} is in {}: no worker ever started there, or the name of the \
         application or the store is another",
        facts.application, facts.store
    );
    let start = case.shell.start("start a first worker, if the names are right", None);
    is_empty.then(|| Finding::new(Severity::Problem, Kind::NothingThere, says, start))
}

/// A command such as `kcl leases reset` has closed the application, or broke off while it was.
fn closed(case: &Case<'_>) -> Option<Finding> {
    let documents = case.facts.documents.get()?;
    let changing = documents.changing.as_ref().filter(|it| Changing::is_closed(it))?;
    let says = format!(
        "the application is closed since {} by {}: workers wait until that is done, or taken back",
        rfc3339(changing.since),
        changing.by
    );
    if let Some(from) = prepared(changing) {
        let finish = format!("{from} --finish");
        let finish = case.shell.import("finish it once the old fleet has stopped", &finish);
        let abandon = case.shell.import("or take it back", "--abandon");
        return Some(Finding::new(Severity::Problem, Kind::Closed, says, finish).or(abandon));
    }
    let undo = case.shell.leases(
        "take it back, if whoever did it is gone; the same command again would go on with it",
        "reset --undo",
    );
    Some(Finding::new(Severity::Problem, Kind::Closed, says, undo))
}

/// From where an import was prepared, as its flag says it; `None` if none was.
fn prepared(changing: &Changing) -> Option<String> {
    let change = Change::of(changing).filter(|change| change.prepared)?;
    change.what.strip_prefix("import ").map(str::to_owned)
}

/// One finding for each row and each document that this version cannot decode.
fn unreadable(case: &Case<'_>) -> Vec<Finding> {
    let facts = case.facts;
    let leases = facts.leases.get().into_iter().flat_map(|it| &it.unreadable);
    let sessions = facts.sessions.get().into_iter().flat_map(|it| &it.unreadable);
    let list = || case.shell.leases("see which rows can be read", "list --no-wait");
    let rows = leases.chain(sessions).map(|row| {
        let says = format!("{row}: mend that row in the store, or delete it there");
        Finding::new(Severity::Problem, Kind::RowUnreadable, says, list())
    });
    let bad = facts.documents.get().into_iter().flat_map(|it| &it.unreadable);
    let documents = bad.map(|(name, why)| {
        let says = format!("the document {name} makes no sense: {why}");
        let remedy = if name == "placement" {
            case.shell.placement("see what is wrong with the rules", "check")
        } else {
            case.shell.leases("see it; a later version may have written it", "export")
        };
        Finding::new(Severity::Problem, Kind::DocumentUnreadable, says, remedy)
    });
    rows.chain(documents).collect()
}

/// Leases that the stream's list contradicts. The planner's own comparison, `reconcile`, finds
/// them; an orphaned lease whose owner lives is left out, because the owner ends it.
fn beside_the_list(case: &Case<'_>) -> Vec<Finding> {
    let (Some(lineage), Some(_)) = (case.lineage, case.facts.shards.get()) else {
        return Vec::new();
    };
    let changes = reconcile(lineage, FrozenStart::TrimHorizon);
    let mut findings = Vec::new();
    let unread = changes.orphaned.iter().filter(|key| {
        let row = key.shard().and_then(|shard| lineage.lease(&shard));
        let owner = row.and_then(|row| row.owner.as_ref());
        !owner.is_some_and(|owner| case.fleet.of_session(owner).is_there())
    });
    let forgotten: Vec<ShardId> = unread.filter_map(|key| key.shard()).collect();
    if !forgotten.is_empty() {
        let says = format!(
            "{} not at their end are of shards that the stream has forgotten: what they had not \
             processed is gone; a worker that takes them ends them: {}",
            listed(forgotten.len(), "lease"),
            some(&forgotten)
        );
        let watch = case.shell.leases("see whether a worker takes them", "watch");
        let finding = Finding::new(Severity::Problem, Kind::LeaseWithoutShard, says, watch);
        findings.push(finding.of_shards(&forgotten));
    }
    for problem in &changes.problems {
        let (kind, shards, remedy) = match problem {
            Problem::EndedWhileOpen { key } => {
                let action = format!("reset --lease {key} --to trim-horizon --dry-run");
                let does = "see what reading it again would do; without --dry-run it is done";
                (Kind::EndedWhileOpen, key.shard(), case.shell.leases(does, &action))
            }
            _ => {
                let list = case.shell.stream("see what the stream lists", "describe");
                (Kind::OtherStream, None, list)
            }
        };
        let finding = Finding::new(Severity::Problem, kind, problem.to_string(), remedy);
        findings.push(finding.of_shards(shards));
    }
    findings
}

/// Hash keys that no open shard covers.
fn hole(case: &Case<'_>) -> Option<Finding> {
    let holes = holes(shards_of(case.facts)).filter(|holes| !holes.is_empty())?;
    let says = format!(
        "no open shard covers {} of hash keys: {}. Records of such keys cannot be put, or their \
         shard is not listed",
        listed(holes.len(), "range"),
        some(&holes)
    );
    let describe = case.shell.stream("see the shards and their ranges", "describe");
    Some(Finding::new(Severity::Problem, Kind::HashRangeHole, says, describe))
}
