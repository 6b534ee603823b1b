//! The head of a model: the values that describe an application as a whole.

use kcl_core::lease::{Changing, LeaseKey, SessionState};
use serde_json::{Map, Value, json};

use super::Look;
use crate::{
    doctor::{
        facts::Known,
        finding::{Kind, Severity, Unknown},
    },
    times::millis,
};

/// For how many milliseconds after a move the fleet counts as rebalancing.
const SETTLES: u64 = 10_000;

/// All values of the head, by name. An unknown value is null.
pub(super) fn of(look: &Look<'_>) -> Map<String, Value> {
    let facts = look.facts();
    let of_severity =
        |wanted| look.verdict.findings.iter().filter(|it| it.severity == wanted).count();
    let documents = facts.documents.get();
    let closed = documents.and_then(|it| it.changing.as_ref()).filter(|it| it.is_closed());
    let frozen = documents.and_then(|it| it.frozen.as_ref());
    let rules = documents.map(|it| it.placement.as_ref().map_or(0, |rules| rules.rules().len()));
    let leases = facts.leases.get().into_iter().flat_map(|it| &it.rows);
    let planner =
        leases.filter(|it| it.key == LeaseKey::planner()).find_map(|it| it.owner.as_ref());
    let sources = look.shown.sources().into_iter().map(|(name, at, why)| {
        json!({ "name": name, "at_ms": at.map(|at| look.wall(at).as_millis()), "why": why })
    });
    let stream = facts.stream.get().map(|it| {
        json!({
            "name": it.description.name,
            "created_ms": it.description.key.created,
            "retention_ms": millis(it.description.retention),
        })
    });
    let identity = match &facts.identity {
        Known::Read { value, .. } => Some(value),
        Known::Failed(_) | Known::LeftOut(_) => None,
    };
    let by = |by: &str, since: kcl_core::env::WallTime| json!({ "by": by, "since_ms": since });
    let head = json!({
        "application": facts.application,
        "store": facts.store,
        "stream": stream,
        "stream_asked": facts.stream_asked,
        "at_ms": facts.wall,
        "state": state(look),
        "verdict": look.verdict.word(),
        "problems": of_severity(Severity::Problem),
        "warnings": of_severity(Severity::Warning),
        "counts": look.verdict.counts,
        "unknown": look.verdict.unknown.iter().map(unknown).collect::<Vec<_>>(),
        "lag": lag(look),
        "bytes_per_second": rate(look),
        "closed": closed.map(|it| by(&it.by, it.since)),
        "frozen": frozen.map(|it| by(&it.by, it.since)),
        "rules": rules,
        "reporting": look.reports().map(|(it, _)| {
            it.workers.values().filter(|told| told.is_fresh()).count()
        }),
        "desired_workers": look.reports().and_then(|(it, _)| it.plan()?.desired_workers),
        "balance": look.reports().and_then(|(it, _)| Some(it.plan()?.balance.clone())),
        "planner": planner.map(|owner| owner.worker.as_str()),
        "changed_ms": look.history.changed,
        "sources": sources.collect::<Vec<_>>(),
        "identity": identity,
        "rights": facts.rights,
    });
    match head {
        Value::Object(head) => head,
        _ => Map::new(),
    }
}

fn unknown(it: &Unknown) -> Value {
    json!({ "what": it.what, "why": it.why, "cause": it.cause() })
}

/// The state of the application in one word. If several apply, the first of this order wins:
///
/// | state | meaning |
/// |---|---|
/// | `unknown` | sessions or leases were not read, or beats were not watched for long enough |
/// | `empty` | the store has no row of the application |
/// | `closed` | a command has closed it to rewrite its rows |
/// | `dead` | no worker lives |
/// | `draining` | every live worker is leaving |
/// | `rebalancing` | a lease moved in the last [`SETTLES`] milliseconds |
/// | `unread` | nobody reads some shards |
/// | `silent` | the beat of a worker stands still |
/// | `stable` | none of these |
fn state(look: &Look<'_>) -> &'static str {
    let counts = &look.verdict.counts;
    let (Some(workers), Some(open), Some(read)) = (counts.workers, counts.open, counts.read) else {
        return "unknown";
    };
    let has = |kind| look.verdict.findings.iter().any(|finding| finding.kind == kind);
    let documents = look.facts().documents.get();
    let is_closed = documents.and_then(|it| it.changing.as_ref()).is_some_and(Changing::is_closed);
    let mut live = look.fleet().live().peekable();
    let leaves = |state| state == SessionState::Leaving;
    if has(Kind::NothingThere) {
        "empty"
    } else if is_closed {
        "closed"
    } else if workers == 0 && counts.silent.is_some_and(|silent| silent > 0) && !has(Kind::NoWorker)
    {
        "unknown"
    } else if workers == 0 {
        "dead"
    } else if live.peek().is_some() && live.all(|session| leaves(session.state)) {
        "draining"
    } else if look.history.moves_within(SETTLES, look.facts().wall) > 0 {
        "rebalancing"
    } else if read < open && has(Kind::ShardsUnread) {
        "unread"
    } else if counts.silent.is_some_and(|silent| silent > 0) {
        "silent"
    } else {
        "stable"
    }
}

/// The largest lag and the sum of all lags, in milliseconds, with the number of leases whose lag is
/// known and unknown. Null if the leases are unknown.
fn lag(look: &Look<'_>) -> Value {
    let Some(leases) = look.facts().leases.get() else { return Value::Null };
    let loads = look.loads();
    let (mut most, mut sum, mut known, mut unknown) = (None, 0_u64, 0_usize, 0_usize);
    for lease in leases.rows.iter().filter(|it| !it.key.is_role() && !it.has_ended()) {
        let load = lease.owner.as_ref().and_then(|owner| loads.get(&(&owner.worker, &lease.key)));
        match look.lag(lease, load.copied()) {
            Some((lag, _)) => {
                (known, sum) = (known + 1, sum.saturating_add(lag));
                most = most.max(Some(lag));
            }
            None => unknown += 1,
        }
    }
    let sum = (known > 0).then_some(sum);
    json!({ "max_ms": most, "sum_ms": sum, "known": known, "unknown": unknown })
}

/// The bytes a second that all workers report together; `None` if nobody reports any.
fn rate(look: &Look<'_>) -> Option<u64> {
    let loads = look.loads();
    let known: Vec<u64> = loads.values().filter_map(|load| load.bytes_per_second).collect();
    (!known.is_empty()).then(|| known.iter().sum())
}
