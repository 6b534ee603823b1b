//! Shows the reports of the workers and of the planner, as lines of the screen and as JSON.
//!
//! A report describes the time at which it was written. So each is shown with its age, and one that
//! is missing or too old counts as unknown.

use std::{collections::BTreeSet, time::Duration};

use kcl_core::lease::{
    Session, WorkerId,
    report::{PlannerReport, Reports, Told, WorkerReport},
};
use serde_json::{Value, json};

use super::{
    facts::{Documents, Facts},
    words::{listed, said, some},
};
use crate::times::{millis, rfc3339};

/// The lines of the screen: reports, plan, and whether the fleet is frozen. The text is empty if
/// the documents are unknown; the screen says that elsewhere.
pub(super) fn lines(facts: &Facts) -> String {
    let Some(documents) = facts.documents.get() else { return String::new() };
    let mut text = reports(facts, &documents.reports);
    text += &plan(documents.reports.planner.as_ref());
    if let Some(frozen) = &documents.frozen {
        let since = said(facts.wall.since(frozen.since));
        text += &format!(
            "frozen for {since} by {}: nothing moves that a live worker holds\n",
            frozen.by
        );
    }
    text
}

/// The workers whose sessions have not ended.
fn open(facts: &Facts) -> BTreeSet<&WorkerId> {
    let rows = facts.sessions.get().into_iter().flat_map(|sessions| &sessions.rows);
    rows.filter(|row: &&Session| !row.has_ended()).map(|row| &row.id.worker).collect()
}

/// One line: how many workers have a fresh report, its age, and the workers that have none.
fn reports(facts: &Facts, reports: &Reports) -> String {
    let open = open(facts);
    let (fresh, silent): (Vec<_>, Vec<_>) =
        open.into_iter().partition(|worker| reports.of(worker).is_some());
    let age = |worker: &&WorkerId| reports.workers.get(*worker).and_then(|told| told.age);
    let oldest = fresh.iter().filter_map(age).max();
    let fresh = match oldest {
        Some(oldest) => {
            format!("{} of workers, {} old at most", listed(fresh.len(), "report"), said(oldest))
        }
        None => "no reports of workers".to_owned(),
    };
    match silent.is_empty() {
        true => format!("told: {fresh}\n"),
        false => format!("told: {fresh}; unknown of {}\n", some(&silent)),
    }
}

/// One line of the planner's report; `plan: unknown` without a fresh one.
fn plan(told: Option<&Told<PlannerReport>>) -> String {
    let Some((plan, age)) = told.and_then(|told| Some((told.fresh()?, told.age?))) else {
        return "plan: unknown\n".to_owned();
    };
    let wanted =
        plan.desired_workers.map_or_else(|| "unknown".to_owned(), |workers| workers.to_string());
    format!(
        "plan: of {}, {} old at most, leases shared out {}; workers that the load needs: \
         {wanted}\n",
        plan.planner.worker,
        said(age),
        plan.balance
    )
}

/// All reports as JSON, old ones included: `fresh` and `age_ms` say which. Null if the documents
/// are unknown.
pub(super) fn json(facts: &Facts) -> Value {
    let Some(Documents { reports, frozen, .. }) = facts.documents.get() else {
        return Value::Null;
    };
    let workers = reports.workers.iter().map(|(worker, told)| of_worker(worker, told));
    let planner = reports.planner.as_ref().map(|told| {
        let plan = told.fresh();
        json!({
            "worker": told.value.planner.worker,
            "age_ms": told.age.map(millis),
            "fresh": told.is_fresh(),
            "version": told.value.version,
            "balance": plan.map(|plan| &plan.balance),
            "desired_workers": plan.and_then(|plan| plan.desired_workers),
            "unassigned": plan.map(|plan| plan.unassigned.len() as u64 + plan.left_out),
        })
    });
    let frozen =
        frozen.as_ref().map(|frozen| json!({ "by": frozen.by, "since": rfc3339(frozen.since) }));
    json!({ "workers": workers.collect::<Vec<_>>(), "planner": planner, "frozen": frozen })
}

/// One worker's report as JSON. Spans in a report count back from its writing; `ago` adds its age.
fn of_worker(worker: &WorkerId, told: &Told<WorkerReport>) -> Value {
    let report = &told.value;
    let ago = |span: Duration| told.age.map(|age| millis(span + age));
    let denial = report.denial.as_ref().map(
        |denial| json!({ "call": denial.call, "error": denial.error, "ago_ms": ago(denial.ago) }),
    );
    let failing = report.shards.iter().filter_map(|(key, shard)| {
        let trouble = shard.trouble.as_ref()?;
        let since = trouble.failing?;
        let kind = trouble.kind.as_str();
        Some(json!({ "shard": key.shard(), "kind": kind, "since_ms": ago(since) }))
    });
    json!({
        "worker": worker,
        "age_ms": told.age.map(millis),
        "fresh": told.is_fresh(),
        "version": report.version,
        "zone": report.zone,
        "up_ms": report.up.and_then(ago),
        "clock_ahead_ms": report.clock_ahead(),
        "beat_late_ms": report.late.map(millis),
        "settings": report.settings,
        "denial": denial,
        "throttled": report.throttles.calls,
        "failing": failing.collect::<Vec<_>>(),
    })
}
