//! Shows the operator's marks on shards and workers: each with who set it, and when.

use kcl_core::{
    assignment::placement::{Marks, Said},
    env::WallTime,
    lease::{LeaseKey, WorkerId},
};
use serde_json::{Value, json};

/// One mark as JSON. `more` is its target: a worker or a record. `until` is its end, if it ends by
/// itself.
fn mark(what: &str, more: Option<&str>, until: Option<WallTime>, said: &Said) -> Value {
    json!({
        "what": what,
        "more": more,
        "until_ms": until.map(WallTime::as_millis),
        "by": said.by,
        "since_ms": said.since.as_millis(),
    })
}

/// The marks of a lease. The caller passes only marks that still count.
pub(super) fn of_lease(marks: &Marks, key: &LeaseKey) -> Vec<Value> {
    let paused = marks.paused.get(key).map(|said| mark("paused", None, None, said));
    let sent = marks.sent.get(key);
    let sent = sent.map(|it| mark("moved", Some(it.to.as_str()), Some(it.until), &it.said));
    let let_go = marks.let_go.get(key).map(|it| mark("released", None, None, &it.said));
    let given_up = marks.given_up.iter().filter(|((of, _), _)| of == key);
    let given_up =
        given_up.map(|((_, at), it)| mark("skip", Some(&at.to_string()), Some(it.until), &it.said));
    paused.into_iter().chain(sent).chain(let_go).chain(given_up).collect()
}

/// The marks of a worker.
pub(super) fn of_worker(marks: &Marks, worker: &WorkerId) -> Vec<Value> {
    let drained = marks.drained.get(worker);
    drained.map(|said| mark("drained", None, None, said)).into_iter().collect()
}
