//! The table of the doctor's findings, in their order. The key of a row is the kind with the first
//! worker and the first shard, so that a finding keeps its row from one reading to the next.

use serde_json::json;

use super::{Look, Table};

/// The columns. The page's scripts use these names.
const COLUMNS: &[&str] = &[
    "order",
    // problem or warning.
    "severity",
    "kind",
    "says",
    "because",
    // For each remedy what it does, and its command.
    "remedies",
    "workers",
    "shards",
    "shards_more",
];

/// How many shards of a finding the table names; `shards_more` counts the rest.
const NAMED: usize = 100;

/// The table. A key that is taken gets a `+`, so that each finding has a row.
pub(super) fn table(look: &Look<'_>) -> Table {
    let mut table = Table::of(COLUMNS);
    for (order, finding) in look.verdict.findings.iter().enumerate() {
        let first = |names: &[String]| names.first().cloned().unwrap_or_default();
        let about = format!("{} {}", first(&finding.workers), first(&finding.shards));
        let mut key = format!("{} {}", finding.kind.name(), about.trim());
        while table.rows.contains_key(&key) {
            key.push('+');
        }
        let named = &finding.shards[..finding.shards.len().min(NAMED)];
        let cells = vec![
            json!(order),
            json!(finding.severity),
            json!(finding.kind.name()),
            json!(finding.says),
            json!(finding.because),
            json!(finding.remedies),
            json!(finding.workers),
            json!(named),
            json!(finding.shards.len() - named.len()),
        ];
        table.rows.insert(key, cells);
    }
    table
}
