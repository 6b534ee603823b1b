//! Writes a reading and its verdict as one JSON object, for `--json`. A fact that is not known is
//! null, never zero.

use kcl_core::env::Time;
use serde_json::{Value, json};

use super::{
    facts::{Facts, Known, Lag, Progress, age},
    judge::Verdict,
    text::{sources, trend},
    told,
};
use crate::times::{millis, rfc3339};

/// The object. `now` is the time from which the ages of the sources count.
pub(super) fn of(facts: &Facts, progress: &Progress, verdict: &Verdict, now: Time) -> Value {
    let sources = sources(facts, now).into_iter().map(|(name, age, why)| {
        json!({
            "source": name,
            "age_ms": age.map(millis),
            "unknown": age.is_none().then_some(why),
        })
    });
    let stream = facts.stream.get().map(|it| {
        json!({
            "name": it.description.name,
            "created": rfc3339(it.description.key.created),
            "retention_ms": millis(it.description.retention),
        })
    });
    let identity = match &facts.identity {
        Known::Read { value, .. } => Some(value),
        Known::Failed(_) | Known::LeftOut(_) => None,
    };
    json!({
        "application": facts.application,
        "store": facts.store,
        "at": rfc3339(facts.wall),
        "verdict": verdict.word(),
        "exit_code": verdict.exit_code(),
        "stream": stream,
        "counts": verdict.counts,
        "findings": verdict.findings,
        "unknown": verdict.unknown,
        "told": told::json(facts),
        "lag": lag(facts, progress),
        "sources": sources.collect::<Vec<_>>(),
        "identity": identity,
        "rights": facts.rights,
    })
}

/// The lag of each shard that was measured; null if the lag is unknown.
fn lag(facts: &Facts, progress: &Progress) -> Value {
    let Some(lags) = facts.lags.get() else { return Value::Null };
    let one = |(key, lag): (&kcl_core::lease::LeaseKey, &Lag)| {
        let by = progress.trend(key);
        json!({
            "shard": key.shard(),
            "oldest_unread_ms": age(lag, facts.wall).map(millis),
            "trend": by.map(|_| trend(by)),
            "grows_ms_a_second": by,
        })
    };
    lags.iter().map(one).collect()
}
