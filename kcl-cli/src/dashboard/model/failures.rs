//! The table of failures: the last failure of each shard, and denied calls, from the workers'
//! reports. A failure that is over stays in the table until the worker's report drops it.

use std::time::Duration;

use kcl_core::{
    env::WallTime,
    lease::{
        WorkerId,
        report::{Told, WorkerReport},
    },
};
use serde_json::{Value, json};

use super::{Look, Table};
use crate::times::millis;

/// The columns. The page's scripts use these names.
const COLUMNS: &[&str] = &[
    // Null if the failure is not about a shard.
    "shard",
    "worker",
    "kind",
    "says",
    // The time of the last failure; it may be a little later.
    "at_ms",
    // How long the shard has been failing; null if it works again.
    "failing_ms",
    // Whether the report is fresh.
    "fresh",
    // The first and the last record of the batch that fails.
    "stuck_from",
    "stuck_to",
];

/// The table; empty if the reports are unknown.
pub(super) fn table(look: &Look<'_>) -> Table {
    let mut table = Table::of(COLUMNS);
    let Some((reports, read)) = look.reports() else { return table };
    for (worker, told) in &reports.workers {
        let at = |ago: Duration| {
            told.age.map(|age| look.wall(read).minus(age + ago)).map(WallTime::as_millis)
        };
        for (lease, shard) in &told.value.shards {
            let Some(trouble) = &shard.trouble else { continue };
            let stuck = shard.stuck.as_ref();
            let (first, last) = stuck.map(|it| (&it.first, &it.last)).unzip();
            let shard_id = lease.shard().map_or_else(|| lease.to_string(), |it| it.to_string());
            let cells = vec![
                json!(shard_id),
                json!(worker.as_str()),
                json!(trouble.kind.as_str()),
                json!(trouble.kind.means()),
                json!(at(trouble.ago)),
                json!(trouble.failing.map(millis)),
                json!(told.is_fresh()),
                json!(first.map(ToString::to_string)),
                json!(last.map(ToString::to_string)),
            ];
            table.rows.insert(format!("{worker} {lease}"), cells);
        }
        table.rows.extend(denial(worker, told, &at));
    }
    table
}

/// The row of the call that was denied to the worker last; `None` if none was.
fn denial(
    worker: &WorkerId,
    told: &Told<WorkerReport>,
    at: &dyn Fn(Duration) -> Option<u64>,
) -> Option<(String, Vec<Value>)> {
    let denial = told.value.denial.as_ref()?;
    let cells = vec![
        Value::Null,
        json!(worker.as_str()),
        json!(denial.error),
        json!(format!("{} was denied {} times", denial.call, denial.count)),
        json!(at(denial.ago)),
        Value::Null,
        json!(told.is_fresh()),
        Value::Null,
        Value::Null,
    ];
    Some((format!("{worker} denied"), cells))
}
