//! The leases that changed hands.

use serde_json::json;

use super::{Look, Table};

const COLUMNS: &[&str] = &[
    // When it was seen.
    "at_ms",
    "shard",
    "from",
    "to",
    "why",
    // For how long it was seen to be read by nobody.
    "unread_ms",
    "epoch",
];

pub(super) fn table(look: &Look<'_>) -> Table {
    let mut table = Table::of(COLUMNS);
    for (number, it) in &look.history.moves {
        let shard = it.lease.shard().map_or_else(|| it.lease.to_string(), |it| it.to_string());
        let cells = vec![
            json!(it.at.as_millis()),
            json!(shard),
            json!(it.from.as_ref().map(|from| from.worker.as_str())),
            json!(it.to.worker.as_str()),
            json!(it.why),
            json!(it.unread),
            json!(it.epoch),
        ];
        table.rows.insert(format!("{number:010}"), cells);
    }
    table
}
