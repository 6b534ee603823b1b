//! Reads facts from the log of a worker (`--log-format json`). docs/EVENTS.md lists the events.

use serde_json::Value;

use super::sign::{Sign, What, micros};

/// The fact in one line of a log; `None` if it shows none. `worker` is the worker of this log, if
/// an earlier line has named it; this function updates it. Leases of roles are ignored.
pub(super) fn sign(line: &Value, worker: &mut Option<String>) -> Option<Sign> {
    let at = micros(line.get("timestamp")?.as_str()?)?;
    let fields = line.get("fields").unwrap_or(line);
    let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
    let event = text("message")?;
    let mut spans = line.get("spans").and_then(Value::as_array).into_iter().flatten();
    let named = spans.find_map(|span| span.get("worker")?.as_str().map(str::to_owned));
    if let Some(named) = named.or_else(|| text("worker")) {
        *worker = Some(named);
    }
    let shard = || Some(text("lease")?.rsplit('/').next()?.to_owned());
    let what = match event.as_str() {
        "kcl.lease.gained" => What::Gained { shard: shard()?, worker: worker.clone()? },
        "kcl.lease.lost" => What::Lost { shard: shard()?, worker: worker.clone()? },
        "kcl.shard.ended" => What::Ended { shard: shard()? },
        "kcl.session.registered" => What::Joined { worker: worker.clone()? },
        "kcl.session.leaving" => What::Leaving { worker: worker.clone()? },
        "kcl.worker.finished" => What::Gone { worker: worker.clone()? },
        "kcl.session.ended_dead" => {
            What::Died { worker: text("session")?.split('#').next()?.to_owned() }
        }
        _ if event.starts_with("kcl.") => What::Looked,
        _ => return None,
    };
    let is_of_a_role = matches!(
        &what,
        What::Gained { shard, .. } | What::Lost { shard, .. } if shard.starts_with('@')
    );
    (!is_of_a_role).then_some(Sign { at, what })
}
